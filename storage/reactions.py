"""Reactions: the SQL."""

from storage.postgres import Connection, Transaction
from storage.records import ReactionRecord

# Served by the primary key; the emoji used first comes first, and so do people.
BY_MESSAGES = """
select message_id::text, emoji, array_agg(user_id order by number)
  from reactions
 where message_id = any($1::uuid[])
 group by message_id, emoji
 order by message_id, min(place)
"""

EMOJIS = """
select distinct emoji
  from reactions
 where message_id = $1
"""

# An emoji that is there keeps its place, whoever goes on using it; a new one is the last.
ADD = """
insert into reactions (message_id, emoji, user_id, place)
select $1, $2, $3,
       coalesce(min(place) filter (where emoji = $2), max(place) + 1, 1)
  from reactions
 where message_id = $1
    on conflict do nothing
returning 1
"""

REMOVE = """
delete from reactions
 where message_id = $1
   and emoji = $2
   and user_id = $3
returning 1
"""


async def by_messages(connection: Connection, ids: list[str]) -> dict[str, list[ReactionRecord]]:
    """The reactions of each message, in the order first used."""
    found: dict[str, list[ReactionRecord]] = {}
    for row in await connection.fetch(BY_MESSAGES, ids):
        found.setdefault(row[0], []).append(ReactionRecord(*row))
    return found


async def emojis(connection: Connection, message_id: str) -> set[str]:
    """The different emojis on a message."""
    return {row[0] for row in await connection.fetch(EMOJIS, message_id)}


async def add(transaction: Transaction, message_id: str, emoji: str, user_id: str) -> bool:
    """Add it; False when it is there already. The caller holds the channel's lock."""
    return await transaction.fetchval(ADD, message_id, emoji, user_id) is not None


async def remove(transaction: Transaction, message_id: str, emoji: str, user_id: str) -> bool:
    """Take it away; False when it was not there."""
    return await transaction.fetchval(REMOVE, message_id, emoji, user_id) is not None
