"""Pins: which messages of a channel are pinned, the SQL."""

from storage.messages import COLUMNS
from storage.postgres import Connection, Transaction
from storage.records import MessageRecord

# All three are served by messages_pinned.
COUNT = """
select count(*)
  from messages
 where channel_id = $1
   and pinned_at is not null
"""

PIN = f"""
update messages as m
   set pinned_at = clock_timestamp()
 where id = $1
returning {COLUMNS}
"""

UNPIN = f"""
update messages as m
   set pinned_at = null
 where id = $1
returning {COLUMNS}
"""

BY_CHANNELS = f"""
select {COLUMNS}
  from messages m
 where m.channel_id = any($1::uuid[])
   and m.pinned_at is not null
 order by m.channel_id, m.pinned_at desc, m.position desc
"""


async def count(connection: Connection, channel_id: str) -> int:
    """How many messages of the channel are pinned."""
    found: int = await connection.fetchval(COUNT, channel_id)
    return found


async def pin(transaction: Transaction, message_id: str) -> MessageRecord:
    """Pin a message."""
    row = await transaction.fetchrow(PIN, message_id)
    assert row is not None, "the caller has read it under the channel's lock"
    return MessageRecord(*row)


async def unpin(transaction: Transaction, message_id: str) -> MessageRecord:
    """Take a pinned message down."""
    row = await transaction.fetchrow(UNPIN, message_id)
    assert row is not None, "the caller has read it under the channel's lock"
    return MessageRecord(*row)


async def by_channels(connection: Connection, ids: list[str]) -> dict[str, list[MessageRecord]]:
    """What is pinned in each of these channels, what was pinned last first."""
    found: dict[str, list[MessageRecord]] = {}
    for row in await connection.fetch(BY_CHANNELS, ids):
        message = MessageRecord(*row)
        found.setdefault(message.channel_id, []).append(message)
    return found
