"""Read receipts: who has read how far, as far as others are told. The SQL.

Whoever turns theirs off is in nobody's answer, and gets none.
"""

from collections.abc import Iterable

from storage.postgres import Connection
from storage.records import MarkerRecord, ReceiptRecord

# Who is new has a marker where they joined, and has not seen what was said before.
_TOLD = """m.seen_position > m.joined_position
   and not exists (
        select from preferences p where p.user_id = m.user_id and not p.sends_receipts
   )"""

# Served by the members' primary key: at most $3 rows of each channel.
BY_CHANNELS = f"""
select m.channel_id::text, m.user_id, m.joined_at, m.joined_position, m.seen_position,
       m.last_read_at
  from channels c
  join members m on m.channel_id = c.id
 where c.id = any($1::uuid[])
   and c.member_count <= $3
   and exists (select from members own where own.channel_id = c.id and own.user_id = $2)
   and not exists (select from preferences p where p.user_id = $2 and not p.sends_receipts)
   and {_TOLD}
 order by m.channel_id, m.joined_at, m.user_id
"""

# The message is the newest one that was there when they had read so far; none from before they
# joined.
MARKERS = f"""
select m.channel_id::text, m.user_id, seen.id::text, m.last_read_at
  from unnest($1::uuid[], $2::text[]) as wanted (channel_id, user_id)
  join channels c on c.id = wanted.channel_id
  join members m on m.channel_id = c.id and m.user_id = wanted.user_id
 cross join lateral (
        select id
          from messages
         where channel_id = m.channel_id
           and position <= m.seen_position
           and position > m.joined_position
         order by position desc
         limit 1
       ) as seen
 where c.member_count <= $3
   and {_TOLD}
 order by m.last_read_at, m.channel_id, m.user_id
"""

MEMBERS = """
select channel_id::text, user_id
  from members
 where channel_id = any($1::uuid[])
"""

WITHOUT = """
select user_id
  from preferences
 where user_id = any($1::text[])
   and not sends_receipts
"""

# Whoever has turned theirs off, or is in the channel no more.
NOT_TOLD = """
select wanted.channel_id::text, wanted.user_id
  from unnest($1::uuid[], $2::text[]) as wanted (channel_id, user_id)
 where not exists (
        select from members m
         where m.channel_id = wanted.channel_id
           and m.user_id = wanted.user_id
       )
    or exists (
        select from preferences p
         where p.user_id = wanted.user_id
           and not p.sends_receipts
       )
"""

SET = """
insert into preferences (user_id, sends_receipts)
values ($1, $2)
    on conflict (user_id) do update
   set sends_receipts = excluded.sends_receipts
"""


async def by_channels(
    connection: Connection, channel_ids: list[str], viewer_id: str, most_members: int
) -> dict[str, list[ReceiptRecord]]:
    """How far the members of each of these channels have read, as far as the viewer is told:
    of channels they are in, with at most so many members, in the order those joined.
    """
    found: dict[str, list[ReceiptRecord]] = {}
    for row in await connection.fetch(BY_CHANNELS, channel_ids, viewer_id, most_members):
        found.setdefault(row[0], []).append(ReceiptRecord(*row))
    return found


async def markers(
    connection: Connection, places: Iterable[tuple[str, str]], most_members: int
) -> list[MarkerRecord]:
    """How far each of these members of channels has read, as far as anybody is told."""
    wanted = list(places)
    rows = await connection.fetch(
        MARKERS, [channel for channel, _ in wanted], [user for _, user in wanted], most_members
    )
    return [MarkerRecord(*row) for row in rows]


async def members(connection: Connection, channel_ids: list[str]) -> list[tuple[str, str]]:
    """Everybody in these channels."""
    return [(row[0], row[1]) for row in await connection.fetch(MEMBERS, channel_ids)]


async def without(connection: Connection, user_ids: list[str]) -> frozenset[str]:
    """Who of these people has turned theirs off."""
    return frozenset(row[0] for row in await connection.fetch(WITHOUT, user_ids))


async def not_told(
    connection: Connection, places: Iterable[tuple[str, str]]
) -> set[tuple[str, str]]:
    """Which of these people, each with a channel, are told of nobody's marker there."""
    wanted = list(places)
    rows = await connection.fetch(
        NOT_TOLD, [channel for channel, _ in wanted], [user for _, user in wanted]
    )
    return {(row[0], row[1]) for row in rows}


async def turn(connection: Connection, user_id: str, *, on: bool) -> None:
    """Let others be told how far this person has read, or not."""
    await connection.execute(SET, user_id, on)
