"""What people's inboxes show: the SQL, for many people in one statement."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from storage import channels, reading
from storage.events import Head
from storage.postgres import Connection
from storage.records import ChannelRecord, MemberRecord, PlaceRecord, UnreadRecord

# A direct message nobody has written in yet is shown only to the one who opened it.
_PLACE = f"""
select {channels.COLUMNS}, {channels.MEMBER_COLUMNS}, {reading.COUNTS},
       c.type <> 'DM' or c.last_message_at is not null or c.created_by = m.user_id as is_shown
"""

# Served by members_user.
OF_PEOPLE = f"""
{_PLACE}
  from members m
  join channels c on c.id = m.channel_id
 where m.user_id = any($1::text[])
 order by coalesce(c.last_message_at, c.created_at) desc, c.id desc
"""

# Served by the primary key, whatever else these people and channels have.
PLACES = f"""
{_PLACE}
  from unnest($1::text[], $2::uuid[]) as wanted (user_id, channel_id)
  join members m on m.channel_id = wanted.channel_id and m.user_id = wanted.user_id
  join channels c on c.id = m.channel_id
"""

# Served by the primary key of events: one short range for each channel asked for.
SINCE = """
select c.id::text, c.epoch, c.position,
       array(select distinct e.kind
               from events e
              where e.channel_id = c.id
                and e.position > wanted.position)
  from unnest($1::uuid[], $2::bigint[]) as wanted (channel_id, position)
  join channels c on c.id = wanted.channel_id
"""


class Since(NamedTuple):
    """Where a channel's log stands, and what kinds of events led there."""

    head: Head
    kinds: frozenset[str]


async def of_people(connection: Connection, user_ids: list[str]) -> list[PlaceRecord]:
    """Every channel of each of these people, the latest activity first, in one statement."""
    return [_place(row) for row in await connection.fetch(OF_PEOPLE, user_ids)]


async def places(connection: Connection, wanted: list[tuple[str, str]]) -> list[PlaceRecord]:
    """These people's places in these channels, each pair once; who is in no more is left out."""
    people, ids = [pair[0] for pair in wanted], [pair[1] for pair in wanted]
    return [_place(row) for row in await connection.fetch(PLACES, people, ids)]


async def since(connection: Connection, positions: Mapping[str, int]) -> dict[str, Since]:
    """What has happened in each channel after a position, by channel."""
    rows = await connection.fetch(SINCE, list(positions), list(positions.values()))
    return {id: Since(Head(epoch, at), frozenset(kinds)) for id, epoch, at, kinds in rows}


_MEMBER = len(ChannelRecord._fields)
_COUNTS = _MEMBER + len(MemberRecord._fields)


def _place(row: Any) -> PlaceRecord:
    return PlaceRecord(
        ChannelRecord(*row[:_MEMBER]),
        MemberRecord(*row[_MEMBER:_COUNTS]),
        UnreadRecord(row[0], row[_COUNTS], row[_COUNTS + 1]),
        row[_COUNTS + 2],
    )
