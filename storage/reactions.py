"""Reactions: the SQL."""

from storage.postgres import Connection, Transaction
from storage.records import ReactionRecord

NAMED = 100
"""How many of those who chose an emoji are named; all are counted."""

# Served by the primary key; the emoji used first comes first, and so do people.
BY_MESSAGES = f"""
select message_id::text,
       emoji,
       array_agg(user_id order by number) filter (where turn <= {NAMED}),
       count(*)::int
  from (
        select message_id, emoji, user_id, number, place,
               row_number() over (partition by message_id, emoji order by number) as turn
          from reactions
         where message_id = any($1::uuid[])
       ) as chosen
 group by message_id, emoji
 order by message_id, min(place)
"""

# Served by the primary key.
CHOSEN = """
select message_id::text, emoji
  from unnest($1::uuid[], $2::text[]) as asked (message_id, emoji)
  join reactions using (message_id, emoji)
 where user_id = $3
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


async def chosen(
    connection: Connection, reactions: list[tuple[str, str]], user_id: str
) -> set[tuple[str, str]]:
    """Which of these, each a message's id and an emoji, this person chose."""
    messages, emojis = [id for id, _ in reactions], [emoji for _, emoji in reactions]
    return {tuple(row) for row in await connection.fetch(CHOSEN, messages, emojis, user_id)}


async def emojis(connection: Connection, message_id: str) -> set[str]:
    """The different emojis on a message."""
    return {row[0] for row in await connection.fetch(EMOJIS, message_id)}


async def add(transaction: Transaction, message_id: str, emoji: str, user_id: str) -> bool:
    """Add it; False when it is there already. The caller holds the channel's lock."""
    return await transaction.fetchval(ADD, message_id, emoji, user_id) is not None


async def remove(transaction: Transaction, message_id: str, emoji: str, user_id: str) -> bool:
    """Take it away; False when it was not there."""
    return await transaction.fetchval(REMOVE, message_id, emoji, user_id) is not None
