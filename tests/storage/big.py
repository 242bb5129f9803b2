"""A database with a few hundred thousand rows, made in a few statements."""

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from storage import ids

MESSAGES = 50_000
"""In the big channel, and as many replies in one thread of it."""

UNREAD = 50_000
CHANNELS = 20_000
MEMBERS = 10_000
OWN_CHANNELS = 60
MANY_CHANNELS = 500

BUSY = f"{2:024}"
"""One of the three, in many channels."""

WRITER = f"{4_999:024}"
"""A member of the big channel who has written a fifth of it and read none."""

VIEWER = "0" * 24
"""One of three who write all of it and mention each other: who is how often in a table tells
PostgreSQL nothing about what is unread.
"""

STATEMENTS = """
create function pg_temp.person(bigint) returns text language sql immutable
    as $$ select to_char($1, 'FM000000000000000000000000') $$;

insert into channels (id, type, name, position, ordinal, last_message_at, member_count)
select case when n = 0 then '{channel}'::uuid else gen_random_uuid() end,
       'GROUP', 'channel ' || n, 2 * {messages}, {messages}, now() - n * interval '1 minute',
       case when n = 0 then {members} else 3 end
  from generate_series(0, {channels}) n;

insert into messages (id, channel_id, position, ordinal, sender_ordinal, sender_id, content,
                      content_type)
select case when n = 1 then '{root}'::uuid else gen_random_uuid() end,
       '{channel}', n, n, row_number() over (partition by sender.id order by n), sender.id,
       'Message ' || n, 'TEXT'
  from generate_series(1, {messages}) n,
       lateral (select case when n % 1000 = 0 then '{viewer}'
                            when n % 5 = 2 then '{writer}'
                            else pg_temp.person(1 + n % 2) end) as sender (id)
 order by n;

insert into messages (id, channel_id, position, ordinal, sender_id, content, content_type,
                      parent_id)
select gen_random_uuid(), '{channel}', {messages} + n, {messages}, pg_temp.person(n % 3),
       'Reply ' || n, 'TEXT', '{root}'
  from generate_series(1, {messages}) n;

-- Elsewhere somebody speaks too.
insert into messages (id, channel_id, position, ordinal, sender_id, content, content_type)
select gen_random_uuid(), id, n, n, pg_temp.person(n % 3), 'Message ' || n, 'TEXT'
  from channels, generate_series(1, 1) n
 where name <> 'channel 0';

update messages set deleted_at = now(), content = ''
 where channel_id = '{channel}' and position between {messages} - 20 and {messages} - 11;
update messages set mentions_channel = true
 where channel_id = '{channel}' and position % 10000 = 1;
-- Half of the members were online.
update messages set mentions_here = true, here = decode(repeat('55', {members} / 8), 'hex')
 where channel_id = '{channel}' and position % 10000 = 2;

update messages set pinned_at = now()
 where channel_id = '{channel}' and position % 500 = 3 and position <= {messages};

insert into events (channel_id, position, kind, actor_id, message_id)
select channel_id, position, 'MessageSent', sender_id, id
  from messages;

insert into members (channel_id, user_id, joined_at, joined_position, joined_ordinal,
                     read_position, read_ordinal, seat)
select '{channel}', pg_temp.person(n), now() - n * interval '1 second', 0, 0,
       {messages} - {unread}, {messages} - {unread}, n
  from generate_series(0, {members} - 1) n;
-- The viewer is in some channels, another is in all of them, and a third in many.
insert into members (channel_id, user_id, joined_position, joined_ordinal, read_position,
                     read_ordinal, seat)
select id, pg_temp.person(n), 0, 0, 0, {messages}, n
  from channels, generate_series(0, 2) n
 where name <> 'channel 0'
   and (n = 1 or substr(name, 9)::int <= case n when 0 then {own_channels} - 1
                                              else {many_channels} end);

-- Many others have turned their read receipts off.
insert into preferences (user_id, sends_receipts)
select pg_temp.person(n), false
  from generate_series(3, {members}) n;

-- The viewer was mentioned a lot and has read most of it.
insert into mentions (message_id, user_id, channel_id, position)
select id, pg_temp.person(case when position > {messages} - {unread} and position % 1000 <> 7
                               then 1 + position % 2 else 0 end),
       channel_id, position
  from messages
 where channel_id = '{channel}' and position % 4 in (0, 3);
insert into reactions (message_id, emoji, user_id, place)
select id, '👍', repeat('4', 24), 1
  from messages
 where channel_id = '{channel}' and position % 4 = 0;
insert into revisions (message_id, number, content, edited_at)
select id, 0, 'An earlier text', created_at
  from messages
 where channel_id = '{channel}' and position % 4 = 0;
insert into attachments (id, channel_id, message_id, uploader_id, object_key, file_name, file_size,
                         mime_type, completed_at)
select id, channel_id, id, repeat('5', 24), id::text, 'a', 1, 'a', now()
  from messages
 where channel_id = '{channel}' and position % 4 = 0;
"""


@dataclass(frozen=True)
class Big:
    """Connected to the database, with what stands out in it."""

    connection: asyncpg.Connection
    channel: str
    root: str


async def fill(connection: asyncpg.Connection) -> Big:
    """Fill an empty migrated database."""
    channel, root = ids.new_id(), ids.new_id()
    script = STATEMENTS.format(
        channel=channel,
        root=root,
        viewer=VIEWER,
        writer=WRITER,
        messages=MESSAGES,
        unread=UNREAD,
        channels=CHANNELS,
        own_channels=OWN_CHANNELS,
        many_channels=MANY_CHANNELS,
        members=MEMBERS,
    )
    async with _quickly(connection):
        await connection.execute(script)
    await connection.execute("vacuum analyze")
    return Big(connection, channel, root)


@asynccontextmanager
async def _quickly(connection: asyncpg.Connection) -> AsyncIterator[None]:
    """Build indexes afterwards, and look up no references where that may be switched off."""
    indexes = await connection.fetch(
        "select indexname, indexdef from pg_indexes left join pg_constraint on conname = indexname"
        " where schemaname = 'public' and conname is null"
    )
    for name, _ in indexes:
        await connection.execute(f"drop index {name}")
    with contextlib.suppress(asyncpg.InsufficientPrivilegeError):
        await connection.execute("set session_replication_role = replica")
    yield
    await connection.execute("reset session_replication_role")
    for _, definition in indexes:
        await connection.execute(definition)
