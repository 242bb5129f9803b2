"""Who is in a channel, and what they want of it: the SQL."""

from datetime import datetime

from storage import sidebars
from storage.channels import MEMBER_COLUMNS
from storage.postgres import Connection, Transaction
from storage.records import MemberRecord

ARE_MEMBERS = """
select user_id
  from members
 where channel_id = $1
   and user_id = any($2::text[])
"""

GET = f"""
select {MEMBER_COLUMNS}
  from members m
 where channel_id = $1
   and user_id = $2
"""

# Served by members_page, from any place at the same cost.
PAGE = f"""
select {MEMBER_COLUMNS}
  from members m
 where channel_id = $1
   and (joined_at, user_id) > ($2, $3)
 order by joined_at, user_id
 limit $4
"""

IDS = """
select user_id
  from members
 where channel_id = $1
"""

COMPANIONS = """
select distinct other.user_id
  from members mine
  join members other on other.channel_id = mine.channel_id
 where mine.user_id = $1
"""

# Channel by channel, however many others are in them.
COMPANIONS_AMONG = f"""
{COMPANIONS}
   and other.user_id = any($2::text[])
"""

SHARING = """
select wanted.user_id, wanted.other_id
  from unnest($1::text[], $2::text[]) as wanted (user_id, other_id)
 where exists (select from members mine
                 join members other on other.channel_id = mine.channel_id
                where mine.user_id = wanted.user_id
                  and other.user_id = wanted.other_id)
"""

# The read marker of somebody new stands where the log stands, and their seat is a new one.
# Whether somebody is in is asked one by one, by the primary key: of "not exists" PostgreSQL may
# make a look at everybody in the channel, for as long as it knows nothing of how many there are.
ADD = """
with newcomers as (
    select person.id,
           row_number() over (order by person.place) - 1 as number
      from unnest($2::text[]) with ordinality as person (id, place)
     where (select true from members where channel_id = $1 and user_id = person.id) is null
), added as (
    insert into members
           (channel_id, user_id, role, invited_by, seat,
            joined_position, joined_ordinal, read_position, read_ordinal)
    select c.id, newcomer.id, $3, $4, c.seats + newcomer.number,
           c.position, c.ordinal, c.position, c.ordinal
      from channels c
     cross join newcomers newcomer
     where c.id = $1
        on conflict do nothing
    returning user_id
), counted as (
    update channels
       set member_count = member_count + (select count(*) from added),
           seats        = seats + (select count(*) from newcomers)
     where id = $1
)
select user_id
  from added
"""

REMOVE = """
with removed as (
    delete from members
     where channel_id = $1
       and user_id = any($2::text[])
    returning user_id
), counted as (
    update channels
       set member_count = member_count - (select count(*) from removed)
     where id = $1
       and exists (select from removed)
)
select user_id
  from removed
"""

OTHER_OWNERS = """
select other.user_id
  from members mine
  join members other on other.channel_id = mine.channel_id
 where mine.channel_id = $1
   and mine.user_id = $2
   and mine.role = 'OWNER'
   and other.role = 'OWNER'
   and other.user_id <> $2
"""

# By the primary key, however many members there are.
IS_LAST_OWNER = """
select exists (select from members
                where channel_id = $1
                  and user_id = $2
                  and role = 'OWNER')
   and not exists (select from members
                    where channel_id = $1
                      and user_id = any($3::text[])
                      and role = 'OWNER')
"""

SET_ROLE = """
update members
   set role = $3
 where channel_id = $1
   and user_id = $2
   and role <> $3
returning user_id
"""

# What is null stays as it is.
SET_PREFERENCES = """
update members
   set is_muted           = coalesce($3, is_muted),
       is_pinned          = coalesce($4, is_pinned),
       notification_level = coalesce($5, notification_level)
 where channel_id = $1
   and user_id = $2
   and (   $3 <> is_muted
        or $4 <> is_pinned
        or $5 <> notification_level)
returning user_id
"""


async def among(connection: Connection, channel_id: str, user_ids: list[str]) -> set[str]:
    """Which of these people are members."""
    return {row[0] for row in await connection.fetch(ARE_MEMBERS, channel_id, user_ids)}


async def get(connection: Connection, channel_id: str, user_id: str) -> MemberRecord | None:
    """A person's place in the channel; None when they have none."""
    row = await connection.fetchrow(GET, channel_id, user_id)
    return None if row is None else MemberRecord(*row)


async def ids(connection: Connection, channel_id: str) -> list[str]:
    """Everybody in the channel."""
    return [row[0] for row in await connection.fetch(IDS, channel_id)]


async def page(
    connection: Connection, channel_id: str, *, after: tuple[datetime, str], limit: int
) -> list[MemberRecord]:
    """Members in the order they joined, after a joining time and user id."""
    rows = await connection.fetch(PAGE, channel_id, *after, limit)
    return [MemberRecord(*row) for row in rows]


async def companions(
    connection: Connection, user_id: str, among: list[str] | None = None
) -> set[str]:
    """Everybody who shares a channel with this person, or which of ``among`` do."""
    rows = await (
        connection.fetch(COMPANIONS, user_id)
        if among is None
        else connection.fetch(COMPANIONS_AMONG, user_id, among)
    )
    return {row[0] for row in rows}


async def sharing(connection: Connection, pairs: list[tuple[str, str]]) -> set[tuple[str, str]]:
    """Which of these pairs of people are in a channel together."""
    people, others = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    return {(row[0], row[1]) for row in await connection.fetch(SHARING, people, others)}


async def add(
    transaction: Transaction,
    channel_id: str,
    user_ids: list[str],
    *,
    role: str = "MEMBER",
    invited_by: str | None = None,
) -> list[str]:
    """Make these people members; answers those who were not yet, in the order given.

    The caller holds the channel's lock.
    """
    rows = await transaction.fetch(ADD, channel_id, user_ids, role, invited_by)
    added = {row[0] for row in rows}
    sidebars.touch(transaction, channel_id, added)
    return [user_id for user_id in user_ids if user_id in added]


async def remove(transaction: Transaction, channel_id: str, user_ids: list[str]) -> list[str]:
    """Take people out; answers those who were in, in the order given."""
    removed = {row[0] for row in await transaction.fetch(REMOVE, channel_id, user_ids)}
    return [user_id for user_id in user_ids if user_id in removed]


async def other_owners(connection: Connection, channel_id: str, user_id: str) -> list[str]:
    """Who else owns a channel that this person owns."""
    return [row[0] for row in await connection.fetch(OTHER_OWNERS, channel_id, user_id)]


async def is_last_owner(
    transaction: Transaction, channel_id: str, user_id: str, successors: list[str]
) -> bool:
    """Whether this person owns the channel, and none of the successors does."""
    return bool(await transaction.fetchval(IS_LAST_OWNER, channel_id, user_id, successors))


async def set_role(transaction: Transaction, channel_id: str, user_id: str, role: str) -> bool:
    """Give a member another role; False when they have it already or are no member."""
    return await transaction.fetchval(SET_ROLE, channel_id, user_id, role) is not None


async def set_preferences(
    transaction: Transaction,
    channel_id: str,
    user_id: str,
    *,
    is_muted: bool | None,
    is_pinned: bool | None,
    notification_level: str | None,
) -> None:
    """Set what a member wants of a channel; None leaves it as it is."""
    if await transaction.fetchval(
        SET_PREFERENCES, channel_id, user_id, is_muted, is_pinned, notification_level
    ):
        sidebars.touch(transaction, channel_id, [user_id])
