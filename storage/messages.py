"""Messages: the SQL.

A write and its event belong together: each statement that changes messages
appends the event in the same breath or is followed by ``events.append`` in
the same transaction, under the channel's lock.
"""

import asyncpg

from storage.postgres import Connection, Transaction
from storage.records import MessageRecord

COLUMNS = """
    m.id::text, m.channel_id::text, m.position, m.ordinal, m.sender_id, m.content,
    m.content_type, m.parent_id::text, m.reply_count, m.client_message_id,
    m.created_at, m.edited_at, m.deleted_at, m.pinned_at
"""

BY_IDS = f"""
select {COLUMNS}
  from messages m
 where m.id = any($1::uuid[])
"""

# Served by messages_page from either end, at the same cost from any place.
PAGE_FORWARD = f"""
select {COLUMNS}
  from messages m
 where m.channel_id = $1
   and m.parent_id is null
   and m.position > $2
   and m.position < $3
 order by m.position
 limit $4
"""

PAGE_BACKWARD = f"""
select {COLUMNS}
  from messages m
 where m.channel_id = $1
   and m.parent_id is null
   and m.position > $2
   and m.position < $3
 order by m.position desc
 limit $4
"""

# Served by messages_thread.
THREAD = f"""
select {COLUMNS}
  from messages m
 where m.parent_id = $1
   and m.position > $2
 order by m.position
 limit $3
"""

# Served by messages_thread, from its end.
LAST_REPLIES = f"""
select {COLUMNS}
  from unnest($1::uuid[]) as wanted (id)
 cross join lateral (
        select *
          from messages
         where parent_id = wanted.id
           and deleted_at is null
         order by position desc
         limit 1
       ) as m
"""

# The position, the message, its event, the reply count of its parent: one statement.
INSERT = f"""
with moved as (
    update channels
       set position        = position + 1,
           ordinal         = ordinal + ($5::uuid is null and $6 <> 'SYSTEM')::int,
           last_message_id = case when $5::uuid is null then $2 else last_message_id end,
           last_message_at = case when $5::uuid is null then now() else last_message_at end
     where id = $1
    returning position, ordinal
), logged as (
    insert into events (channel_id, position, kind, actor_id, message_id)
    select $1, position, 'MessageSent', $3, $2
      from moved
), counted as (
    update messages
       set reply_count = reply_count + 1
     where id = $5
)
insert into messages as m
       (id, channel_id, position, ordinal, sender_ordinal, sender_id, content, parent_id,
        content_type, mentions_channel, mentions_here, here, client_message_id, client_digest)
select $2, $1, moved.position, moved.ordinal,
       -- Served by messages_own, from its end.
       case when $5 is null and $6 <> 'SYSTEM'
            then 1 + coalesce((select own.sender_ordinal
                                 from messages own
                                where own.channel_id = $1
                                  and own.sender_id = $3
                                  and own.sender_ordinal is not null
                                order by own.position desc
                                limit 1), 0)
       end,
       $3, $4, $5, $6, $7, $8::bytea is not null, $8, $9, $10
  from moved
returning {COLUMNS}
"""

BY_CLIENT_ID = f"""
select {COLUMNS}, m.client_digest
  from messages m
 where m.sender_id = $1
   and m.client_message_id = $2
"""

INSERT_MENTIONS = """
insert into mentions (message_id, user_id, channel_id, position)
select $1, person.id, $3, $4
  from unnest($2::text[]) as person (id)
"""

DELETE_MENTIONS = """
delete from mentions
 where message_id = $1
"""

EDIT = f"""
with kept as (
    insert into revisions (message_id, number, content, edited_at)
    select m.id,
           (select count(*) from revisions r where r.message_id = m.id),
           m.content,
           coalesce(m.edited_at, m.created_at)
      from messages m
     where m.id = $1
)
update messages as m
   set content          = $2,
       -- A file with a text is a text.
       content_type     = case when $2 = '' then 'FILE' else 'TEXT' end,
       mentions_channel = $3,
       mentions_here    = $4::bytea is not null,
       -- Who was called stays called; who came online since is not.
       here             = case when $4 is null then null else coalesce(m.here, $4) end,
       -- Not the transaction's own time: it may have waited for another edit.
       edited_at        = clock_timestamp()
 where m.id = $1
returning {COLUMNS}
"""

DELETE = f"""
with words as (
    delete from revisions
     where message_id = $1
), faces as (
    delete from reactions
     where message_id = $1
), names as (
    delete from mentions
     where message_id = $1
), files as (
    delete from attachments
     where message_id = $1
), discounted as (
    update messages
       set reply_count = reply_count - 1
     where id = (select parent_id from messages where id = $1)
)
update messages as m
   set content          = '',
       mentions_channel = false,
       mentions_here    = false,
       here             = null,
       pinned_at        = null,
       deleted_at       = now()
 where m.id = $1
returning {COLUMNS}
"""

AGE = """
select extract(epoch from clock_timestamp() - created_at)::float8
  from messages
 where id = $1
"""

MENTIONED = """
select message_id::text, array_agg(user_id order by user_id)
  from mentions
 where message_id = any($1::uuid[])
 group by message_id
"""


class ClientIdTaken(Exception):
    """The sender has used this client message id already, in whatever channel."""


async def by_ids(connection: Connection, ids: list[str]) -> dict[str, MessageRecord]:
    """Messages by id; unknown ids are left out."""
    return {row[0]: MessageRecord(*row) for row in await connection.fetch(BY_IDS, ids)}


async def get(connection: Connection, message_id: str) -> MessageRecord | None:
    """One message, or None."""
    return (await by_ids(connection, [message_id])).get(message_id)


async def page(
    connection: Connection,
    channel_id: str,
    *,
    after: int,
    before: int,
    limit: int,
    backward: bool,
) -> list[MessageRecord]:
    """Top-level messages between two positions, oldest first.

    When there are more than ``limit``, the oldest of them, or the newest with ``backward``.
    """
    statement = PAGE_BACKWARD if backward else PAGE_FORWARD
    rows = await connection.fetch(statement, channel_id, after, before, limit)
    found = [MessageRecord(*row) for row in rows]
    return found[::-1] if backward else found


async def thread(
    connection: Connection, parent_id: str, *, after: int, limit: int
) -> list[MessageRecord]:
    """A message's replies after a position, oldest first."""
    rows = await connection.fetch(THREAD, parent_id, after, limit)
    return [MessageRecord(*row) for row in rows]


async def last_replies(connection: Connection, parent_ids: list[str]) -> dict[str, MessageRecord]:
    """The newest reply to each of these messages that is not deleted, by the message replied to."""
    replies = [MessageRecord(*row) for row in await connection.fetch(LAST_REPLIES, parent_ids)]
    return {reply.parent_id: reply for reply in replies if reply.parent_id}


async def age(connection: Connection, message_id: str) -> float:
    """The seconds since a message was sent, by the database's clock."""
    seconds: float = await connection.fetchval(AGE, message_id)
    return seconds


async def insert(
    transaction: Transaction,
    message_id: str,
    *,
    channel_id: str,
    sender_id: str,
    content: str,
    content_type: str,
    parent_id: str | None,
    mentioned_user_ids: list[str],
    mentions_channel: bool,
    here: bytes | None,
    client_message_id: str | None,
    client_digest: bytes | None,
) -> MessageRecord:
    """Append a message to its channel; the caller holds the channel's lock.

    ``here`` is whom @here calls (``reading.called_here``), None where it stands nowhere.
    Raises ClientIdTaken; the transaction is of no use then.
    """
    try:
        row = await transaction.fetchrow(
            INSERT,
            channel_id,
            message_id,
            sender_id,
            content,
            parent_id,
            content_type,
            mentions_channel,
            here,
            client_message_id,
            client_digest,
        )
    except asyncpg.UniqueViolationError as error:
        raise ClientIdTaken from error
    assert row is not None, "the caller holds the channel's lock"
    message = MessageRecord(*row)
    if mentioned_user_ids:
        await transaction.execute(
            INSERT_MENTIONS, message_id, mentioned_user_ids, channel_id, message.position
        )
    transaction.moved[channel_id] = message.position
    return message


async def by_client_id(
    connection: Connection, sender_id: str, client_message_id: str
) -> tuple[MessageRecord, bytes | None] | None:
    """What the sender sent under this client id before, and the digest of what was asked."""
    row = await connection.fetchrow(BY_CLIENT_ID, sender_id, client_message_id)
    return None if row is None else (MessageRecord(*row[:-1]), row[-1])


async def edit(
    transaction: Transaction,
    message_id: str,
    *,
    content: str,
    mentions_channel: bool,
    here: bytes | None,
) -> MessageRecord:
    """Replace the text and keep the earlier one as a revision.

    ``here`` is whom @here calls if it is new in this text, None where it stands nowhere.
    """
    row = await transaction.fetchrow(EDIT, message_id, content, mentions_channel, here)
    assert row is not None, "the caller has read it under the channel's lock"
    return MessageRecord(*row)


async def delete(transaction: Transaction, message_id: str) -> MessageRecord:
    """Empty the message and keep its place; its files are listed for removal."""
    row = await transaction.fetchrow(DELETE, message_id)
    assert row is not None, "the caller has read it under the channel's lock"
    return MessageRecord(*row)


async def mentioned(connection: Connection, ids: list[str]) -> dict[str, list[str]]:
    """Who is mentioned by id, by message."""
    return {row[0]: row[1] for row in await connection.fetch(MENTIONED, ids)}
