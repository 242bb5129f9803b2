"""Notices: SYSTEM messages that say who came and who went.

The sender is the person it is about, and the content one of four sentences without a
subject, so that clients can show them as they are or in words of their own. A notice
is no reason to look: it counts as unread for nobody and moves no channel to the top.
"""

from enum import StrEnum

from storage import ids
from storage.postgres import Transaction

# Positions, messages and events in one statement; neither the ordinal nor last_message_* moves.
INSERT = """
with moved as (
    update channels
       set position = position + cardinality($2::uuid[])
     where id = $1
    returning position, ordinal
), said as (
    select about.message_id, about.user_id, moved.ordinal,
           moved.position - cardinality($2::uuid[]) + about.number as position
      from moved
     cross join unnest($2::uuid[], $3::text[]) with ordinality
        as about (message_id, user_id, number)
), kept as (
    insert into messages
           (id, channel_id, position, ordinal, sender_id, content, content_type)
    select message_id, $1, position, ordinal, user_id, $4, 'SYSTEM'
      from said
)
insert into events (channel_id, position, kind, actor_id, message_id)
select $1, position, 'MessageSent', user_id, message_id
  from said
returning position
"""


class Notice(StrEnum):
    """What is said of a person; part of the public contract, like an enum's values."""

    JOINED = "joined the channel"
    LEFT = "left the channel"
    ADDED = "was added to the channel"
    REMOVED = "was removed from the channel"


async def say(
    transaction: Transaction, channel_id: str, notice: Notice, user_ids: list[str]
) -> None:
    """Say it of each of these people; the caller holds the channel's lock."""
    if not user_ids:
        return
    message_ids = [ids.new_id() for _ in user_ids]
    rows = await transaction.fetch(INSERT, channel_id, message_ids, user_ids, notice)
    transaction.moved[channel_id] = max(row[0] for row in rows)
