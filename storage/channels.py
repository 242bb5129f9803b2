"""Channels: the SQL."""

from typing import Any

from storage.postgres import Connection, Transaction
from storage.reading import COUNTS
from storage.records import ChannelRecord, MemberRecord, Membership

COLUMNS = """
    c.id::text, c.type, c.name, c.topic, c.avatar_url, c.is_private, c.archived_at,
    c.department_id, c.project_id, c.created_by, c.created_at, c.updated_at, c.member_count,
    c.epoch, c.position, c.ordinal, c.last_message_id::text, c.last_message_at
"""

MEMBER_COLUMNS = """
    m.channel_id::text, m.user_id, m.role, m.invited_by, m.joined_at,
    m.is_muted, m.is_pinned, m.notification_level, m.last_read_at, m.joined_position
"""

_WIDTH = len(ChannelRecord._fields)

LOCK = """
select 1
  from channels
 where id = $1
   for no key update
"""

# Served by the primary keys of both tables.
MEMBERSHIP = f"""
select {COLUMNS}, {MEMBER_COLUMNS}
  from channels c
  left join members m on m.channel_id = c.id and m.user_id = $2
 where c.id = $1
"""

BY_IDS = f"""
select {COLUMNS}
  from channels c
 where c.id = any($1::uuid[])
"""

MEMBERSHIPS = f"""
select {COLUMNS}, {MEMBER_COLUMNS}
  from channels c
  left join members m on m.channel_id = c.id and m.user_id = $2
 where c.id = any($1::uuid[])
"""

PLACES = f"""
select {COLUMNS}, {MEMBER_COLUMNS}, wanted.user_id as wanted
  from unnest($1::uuid[], $2::text[]) as wanted (channel_id, user_id)
  join channels c on c.id = wanted.channel_id
  left join members m on m.channel_id = c.id and m.user_id = wanted.user_id
"""

# Served by members_user: as many rows as the person has channels, whatever
# else there is. A direct message nobody has written in yet is shown only to
# the one who opened it.
SIDEBAR = f"""
with mine as materialized (
    select {COLUMNS}, {MEMBER_COLUMNS},
           case when $2 = 'NAME'
                then lower(coalesce(c.name, ''))
                else to_char(coalesce(c.last_message_at, c.created_at) at time zone 'UTC',
                             'YYYYMMDDHH24MISSUS')
           end collate "C" as sort_key,
           case when $6
                then unread.unread_count > 0 or unread.mention_count > 0
                else true
           end as is_wanted
      from members m
      join channels c on c.id = m.channel_id
     cross join lateral (select {COUNTS}) as unread
     where m.user_id = $1
       and ($3::text[] is null or c.type = any($3))
       and ($4 or c.archived_at is null)
       and ($5::text is null or c.name ilike $5)
       and (c.type <> 'DM' or c.last_message_at is not null or c.created_by = $1)
)
select *
  from mine
 where is_wanted
   and (   $7::text is null
        or ($2 = 'NAME' and (sort_key, id) > ($7, $8))
        or ($2 <> 'NAME' and (sort_key, id) < ($7, $8)))
 order by case when $2 = 'NAME' then sort_key end,
          case when $2 = 'NAME' then id end,
          sort_key desc,
          id desc
 limit $9
"""

INSERT = f"""
insert into channels as c
       (id, type, name, topic, is_private, dm_key, department_id, project_id, created_by)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict (dm_key) do nothing
returning {COLUMNS}
"""

DM_BY_KEY = """
select id::text
  from channels
 where dm_key = $1
"""

UPDATE = f"""
update channels as c
   set name       = $2,
       topic      = $3,
       avatar_url = $4,
       is_private = $5,
       updated_at = now()
 where id = $1
returning {COLUMNS}
"""

SET_ARCHIVED = f"""
update channels as c
   set archived_at = case when $2 then now() end,
       updated_at  = now()
 where id = $1
returning {COLUMNS}
"""


async def lock(transaction: Transaction, channel_id: str) -> bool:
    """Hold the channel's row until the transaction ends; False when there is none.

    Whoever changes anything in a channel holds this first, so positions are
    committed in order and what is read afterwards is current.
    """
    return await transaction.fetchval(LOCK, channel_id) is not None


async def membership(connection: Connection, channel_id: str, user_id: str) -> Membership | None:
    """The channel and the person's place in it; None when there is no such channel."""
    row = await connection.fetchrow(MEMBERSHIP, channel_id, user_id)
    return None if row is None else membership_of(row)


async def by_ids(connection: Connection, ids: list[str]) -> dict[str, ChannelRecord]:
    """Channels by id; unknown ids are left out."""
    return {row[0]: ChannelRecord(*row) for row in await connection.fetch(BY_IDS, ids)}


async def memberships(
    connection: Connection, channel_ids: list[str], user_id: str
) -> dict[str, Membership]:
    """The same for several channels, by channel id, in one statement."""
    rows = await connection.fetch(MEMBERSHIPS, channel_ids, user_id)
    return {row[0]: membership_of(row) for row in rows}


async def places(
    connection: Connection, wanted: list[tuple[str, str]]
) -> dict[tuple[str, str], Membership]:
    """The same for several channels and people, each pair once, in one statement."""
    ids, people = [pair[0] for pair in wanted], [pair[1] for pair in wanted]
    rows = await connection.fetch(PLACES, ids, people)
    return {(row[0], row["wanted"]): membership_of(row) for row in rows}


async def sidebar(
    connection: Connection,
    user_id: str,
    *,
    by_name: bool,
    types: list[str] | None,
    include_archived: bool,
    unread_only: bool,
    search: str | None,
    after: tuple[str, str] | None,
    limit: int,
) -> list[tuple[Membership, str]]:
    """The person's own channels and each one's sort key, in order, after a sort key and id."""
    rows = await connection.fetch(
        SIDEBAR,
        user_id,
        "NAME" if by_name else "RECENT_ACTIVITY",
        types,
        include_archived,
        None if search is None else f"%{_like(search)}%",
        unread_only,
        *(after or (None, None)),
        limit,
    )
    return [(membership_of(row), row["sort_key"]) for row in rows]


async def insert(
    transaction: Transaction,
    channel_id: str,
    *,
    type: str,
    created_by: str | None,
    name: str | None = None,
    topic: str | None = None,
    is_private: bool = False,
    dm_key: str | None = None,
    department_id: str | None = None,
    project_id: str | None = None,
) -> ChannelRecord | None:
    """A new channel; None when these people have a DM already (made a moment ago, perhaps)."""
    row = await transaction.fetchrow(
        INSERT,
        channel_id,
        type,
        name,
        topic,
        is_private,
        dm_key,
        department_id,
        project_id,
        created_by,
    )
    return None if row is None else ChannelRecord(*row)


async def dm_by_key(connection: Connection, dm_key: str) -> str | None:
    """The id of the DM of these people."""
    found: str | None = await connection.fetchval(DM_BY_KEY, dm_key)
    return found


async def update(
    transaction: Transaction,
    channel_id: str,
    *,
    name: str | None,
    topic: str | None,
    avatar_url: str | None,
    is_private: bool,
) -> ChannelRecord:
    """Set what people can change about a channel."""
    row = await transaction.fetchrow(UPDATE, channel_id, name, topic, avatar_url, is_private)
    assert row is not None, "the caller holds the channel's lock"
    return ChannelRecord(*row)


async def set_archived(
    transaction: Transaction, channel_id: str, is_archived: bool
) -> ChannelRecord:
    """Close a channel for writing, or open it again."""
    row = await transaction.fetchrow(SET_ARCHIVED, channel_id, is_archived)
    assert row is not None, "the caller holds the channel's lock"
    return ChannelRecord(*row)


def membership_of(row: Any) -> Membership:
    """What ``COLUMNS`` and ``MEMBER_COLUMNS`` select."""
    member = row[_WIDTH : _WIDTH + len(MemberRecord._fields)]
    return Membership(
        ChannelRecord(*row[:_WIDTH]), MemberRecord(*member) if member[0] is not None else None
    )


def _like(text: str) -> str:
    """The text as LIKE finds it literally."""
    return text.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
