"""A database with two private channels in it, and plain SQL as the application's roles."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg

from storage import ids
from storage.sight import TELL, Role, Sight, Standing

NOBODYS = {"alembic_version", "incarnation"}
"""The tables that say nothing of anybody."""

MEMBER, OTHER, STRANGER = "a" * 24, "b" * 24, "c" * 24
DEPARTMENT = "d" * 24

TABLES = """
select relname, relrowsecurity, relforcerowsecurity
  from pg_class
 where relnamespace = 'public'::regnamespace
   and relkind in ('r', 'p')
"""

# One of each in each of two private channels; whoever is in one knows nothing of the other.
FILLED = """
insert into channels (id, type, name, is_private, created_by, position, ordinal, member_count)
values ($1, 'GROUP', 'A channel', true, $2, 2, 1, 1);
insert into members (channel_id, user_id, role, seat, joined_position, joined_ordinal,
                     read_position, read_ordinal)
values ($1, $2, 'OWNER', 0, 0, 0, 0, 0);
insert into messages (id, channel_id, position, ordinal, sender_id, content, content_type)
values ($3, $1, 1, 1, $2, 'A secret', 'TEXT');
insert into mentions (message_id, user_id, channel_id, position) values ($3, $2, $1, 1);
insert into revisions (message_id, number, content, edited_at) values ($3, 0, 'Older', now());
insert into reactions (message_id, emoji, user_id, place) values ($3, '👍', $2, 1);
insert into attachments (id, channel_id, message_id, uploader_id, object_key, file_name,
                         file_size, mime_type, completed_at)
values ($4, $1, $3, $2, $4, 'a.txt', 1, 'text/plain', now());
insert into attachments (id, channel_id, uploader_id, object_key, file_name, file_size, mime_type)
values ($5, $1, $2, $5, 'b.txt', 1, 'text/plain');
insert into removals (object_key, added_by) values ($1, $2);
insert into events (channel_id, position, kind, actor_id, message_id)
values ($1, 1, 'MessageSent', $2, $3);
insert into directory_channels (key, channel_id, name, is_closed) values ($1, $1, 'x', false);
insert into placements (channel_id, user_id, role, by_hand) values ($1, $2, 'MEMBER', false);
insert into audits (actor_id, action, channel_id) values ($2, 'READ_CHANNEL', $1);
insert into sidebars (user_id, revision) values ($2, 1);
insert into presences (user_id, choice) values ($2, 'BUSY');
insert into preferences (user_id, sends_receipts) values ($2, false);
insert into servers (id, seen_at, alive_until) values ($1, now(), now());
insert into devices (user_id, server_id, is_connected, is_open, beat_until, active_until, seen_at)
values ($2, $1, true, true, now(), now(), now());
insert into rates (kind, who, at, rest, granted) values ('sends', $2, now(), 1, 1);
insert into documents (hash, text) values (sha256($1), '{ viewer }')
"""


@dataclass(frozen=True)
class House:
    """A database with two private channels, one of ``MEMBER`` and one of ``OTHER``."""

    url: str
    owner: asyncpg.Connection
    own: dict[str, str]
    others: dict[str, str]

    @asynccontextmanager
    async def seen_by(
        self, sight: Sight | None, role: Role = Role.APP
    ) -> AsyncIterator[asyncpg.Connection]:
        """A connection as the application borrows them; what it does is taken back."""
        connection = await asyncpg.connect(self.url, server_settings={"role": role.value})
        try:
            transaction = connection.transaction()
            await transaction.start()
            if sight:
                await connection.execute(TELL, *sight)
            yield connection
            await transaction.rollback()
        finally:
            await connection.close()

    async def count(self, table: str) -> int:
        return int(await self.owner.fetchval(f"select count(*) from {table}"))

    async def tables(self) -> list[str]:
        return sorted(row[0] for row in await self.owner.fetch(TABLES) if row[0] not in NOBODYS)


async def fill(owner: asyncpg.Connection, person: str) -> dict[str, str]:
    made = {name: ids.new_id() for name in ("channel", "message", "file", "upload")}
    for statement in FILLED.split(";\n"):
        wanted = [made["channel"], person, made["message"], made["file"], made["upload"]]
        filled = statement
        for number, value in enumerate(wanted, 1):
            filled = filled.replace(f"${number}", f"'{value}'")
        await owner.execute(filled)
    return made


STRANGERS = [
    None,
    Sight("", DEPARTMENT, Standing.SUPER_ADMIN),
    Sight(STRANGER, "", Standing.CLIENT),
    Sight(STRANGER, DEPARTMENT, Standing.INTERNAL),
    Sight(STRANGER, DEPARTMENT, Standing.SUPER_ADMIN),
]
"""Nobody, or somebody who is in neither channel."""


READABLE = """
select coalesce(string_agg(quote_ident(attname), ', '), '')
  from pg_attribute
 where attrelid = $1::text::regclass
   and attnum > 0
   and has_column_privilege(attrelid, attnum, 'select')
"""


async def read(connection: asyncpg.Connection, table: str) -> list[Any]:
    """Every row that can be read, by whatever column."""
    columns = await connection.fetchval(READABLE, table)
    return list(await connection.fetch(f"select {columns} from {table}")) if columns else []


async def tried(connection: asyncpg.Connection, statement: str) -> str | None:
    """What came of it; None when it was refused. Either way as if it had never been."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        return str(await connection.execute(statement))
    except asyncpg.InsufficientPrivilegeError:
        return None
    finally:
        await transaction.rollback()
