"""Channels that are kept in step with the directory: the SQL."""

from typing import Any, NamedTuple

from storage.channels import COLUMNS
from storage.postgres import Connection, Transaction
from storage.records import ChannelRecord

# All of it in one statement: a row a channel, whatever its number of people.
ALL = """
select d.key, d.channel_id::text, d.name, d.is_closed, p.people, p.roles
  from directory_channels d
 cross join lateral (
        select coalesce(array_agg(user_id), '{}') as people,
               coalesce(array_agg(role), '{}')    as roles
          from placements
         where channel_id = d.channel_id
       ) as p
 where d.key like any($1::text[])
"""

BY_KEYS = ALL.replace("d.key like any($1::text[])", "d.key = any($1::text[])")

RECORD = """
insert into directory_channels (key, channel_id, name, is_closed)
values ($1, $2, $3, $4)
"""

NOTE = """
update directory_channels
   set name      = $2,
       is_closed = $3
 where channel_id = $1
"""

# What people changed by hand is left alone, but for what the directory changes itself.
FOLLOW = f"""
update channels as c
   set name        = coalesce($2, name),
       archived_at = case when $3::boolean is null then archived_at
                          when $3 then coalesce(archived_at, now())
                     end,
       updated_at  = now()
 where id = $1
   and (name <> $2 or (archived_at is not null) <> $3::boolean)
returning {COLUMNS}
"""


class Standing(NamedTuple):
    """A channel as it was brought in step last."""

    key: str
    channel_id: str
    name: str
    is_closed: bool
    roles: dict[str, str]
    """Whom the directory wanted in it, and as what; those who opted out are among them."""


async def all_of(connection: Connection, kinds: list[str]) -> dict[str, Standing]:
    """Every channel whose key begins with one of these kinds, by key, in one statement."""
    rows = await connection.fetch(ALL, [f"{kind}%" for kind in kinds])
    return {row[0]: _standing(row) for row in rows}


async def by_keys(connection: Connection, keys: list[str]) -> dict[str, Standing]:
    """Those of these keys that there are."""
    return {row[0]: _standing(row) for row in await connection.fetch(BY_KEYS, keys)}


async def record(
    transaction: Transaction, key: str, channel_id: str, name: str, *, is_closed: bool
) -> None:
    """Note what a new channel is for. There is one for each key: a second one is an error."""
    await transaction.execute(RECORD, key, channel_id, name, is_closed)


async def follow(
    transaction: Transaction,
    channel_id: str,
    name: str,
    *,
    is_closed: bool,
    renamed: bool,
    turned: bool,
) -> ChannelRecord | None:
    """Note what the directory says now, and do to the channel what has changed there: another
    name, closed or opened again. Answers the channel if that changed it.
    """
    await transaction.execute(NOTE, channel_id, name, is_closed)
    row = await transaction.fetchrow(
        FOLLOW, channel_id, name if renamed else None, is_closed if turned else None
    )
    return None if row is None else ChannelRecord(*row)


def _standing(row: Any) -> Standing:
    key, channel_id, name, is_closed, people, roles = row
    return Standing(key, channel_id, name, is_closed, dict(zip(people, roles, strict=True)))
