"""Who is in a channel, and how far they have read: the SQL."""

from datetime import datetime

from storage import sidebars
from storage.channels import MEMBER_COLUMNS
from storage.postgres import Connection, Transaction
from storage.records import MemberRecord, UnreadRecord

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
   and ($2::text[] is null or other.user_id = any($2))
"""

# The read marker of somebody new stands where the log stands.
ADD = """
with added as (
    insert into members
           (channel_id, user_id, role, invited_by,
            joined_position, joined_ordinal, read_position, read_ordinal)
    select c.id, person.id, $3, $4, c.position, c.ordinal, c.position, c.ordinal
      from channels c
     cross join unnest($2::text[]) as person (id)
     where c.id = $1
        on conflict do nothing
    returning user_id
), counted as (
    update channels
       set member_count = member_count + (select count(*) from added)
     where id = $1
)
select user_id
  from added
"""

REMOVE = """
with removed as (
    delete from members
     where channel_id = $1
       and user_id = $2
    returning user_id
)
update channels
   set member_count = member_count - 1
 where id = $1
   and exists (select from removed)
returning id
"""

IS_LAST_OWNER = """
select coalesce(bool_and(user_id = $2), false)
  from members
 where channel_id = $1
   and role = 'OWNER'
"""

SET_ROLE = """
update members
   set role = $3
 where channel_id = $1
   and user_id = $2
   and role <> $3
returning user_id
"""

# One row, whatever lies between the old marker and the new one.
MARK_READ = """
update members m
   set read_position = target.position,
       read_ordinal  = target.ordinal,
       last_read_at  = now()
  from (
        select position, ordinal from messages where id = $3 and channel_id = $1
         union all
        select position, ordinal from channels where id = $1 and $3::uuid is null
       ) as target
 where m.channel_id = $1
   and m.user_id = $2
   and m.read_position < target.position
returning m.user_id
"""

# The ordinals say how many top-level TEXT and FILE messages came after the
# marker. Taken off again: the viewer's own (messages_own) and those of others
# that were deleted since (messages_deleted). Mentions come from mentions_user
# and messages_channel_mention. None of these looks at the unread messages
# themselves, so 50,000 of them cost what one does. Each mention's message is
# a question of its own and not a join: PostgreSQL cannot know how few mentions
# are unread, and would read all messages to be prepared for many.
UNREAD = """
select m.channel_id::text,
       (c.ordinal - m.read_ordinal
        - (select count(*)
             from messages own
            where own.channel_id = m.channel_id
              and own.sender_id = m.user_id
              and own.position > m.read_position
              and own.parent_id is null
              and own.content_type <> 'SYSTEM')
        - (select count(*)
             from messages gone
            where gone.channel_id = m.channel_id
              and gone.sender_id <> m.user_id
              and gone.position > m.read_position
              and gone.parent_id is null
              and gone.content_type <> 'SYSTEM'
              and gone.deleted_at is not null))::int,
       ((select count(*)
           from mentions named
          where named.user_id = m.user_id
            and named.channel_id = m.channel_id
            and named.position > m.read_position
            and (select x.sender_id <> m.user_id
                    and x.deleted_at is null
                    and not x.mentions_channel
                   from messages x
                  where x.id = named.message_id))
        + (select count(*)
             from messages y
            where y.channel_id = m.channel_id
              and y.mentions_channel
              and y.position > m.read_position
              and y.sender_id <> m.user_id
              and y.deleted_at is null))::int
  from members m
  join channels c on c.id = m.channel_id
 where m.user_id = $1
   and ($2::uuid[] is null or m.channel_id = any($2))
   and ($2::uuid[] is not null or not m.is_muted)
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
    return {row[0] for row in await connection.fetch(COMPANIONS, user_id, among)}


async def add(
    transaction: Transaction,
    channel_id: str,
    user_ids: list[str],
    *,
    role: str = "MEMBER",
    invited_by: str | None = None,
) -> list[str]:
    """Make these people members; answers those who were not yet, in the order given."""
    rows = await transaction.fetch(ADD, channel_id, user_ids, role, invited_by)
    added = {row[0] for row in rows}
    sidebars.touch(transaction, channel_id, added)
    return [user_id for user_id in user_ids if user_id in added]


async def remove(transaction: Transaction, channel_id: str, user_id: str) -> bool:
    """Take a person out; False when they were not in."""
    return await transaction.fetchval(REMOVE, channel_id, user_id) is not None


async def is_last_owner(transaction: Transaction, channel_id: str, user_id: str) -> bool:
    """Whether this person and nobody else owns the channel."""
    return bool(await transaction.fetchval(IS_LAST_OWNER, channel_id, user_id))


async def set_role(transaction: Transaction, channel_id: str, user_id: str, role: str) -> bool:
    """Give a member another role; False when they have it already or are no member."""
    return await transaction.fetchval(SET_ROLE, channel_id, user_id, role) is not None


async def mark_read(
    transaction: Transaction, channel_id: str, user_id: str, message_id: str | None
) -> None:
    """Move the read marker up to a message, or to the end; never back."""
    if await transaction.fetchval(MARK_READ, channel_id, user_id, message_id) is not None:
        sidebars.touch(transaction, channel_id, [user_id])


async def unread(
    connection: Connection, user_id: str, channel_ids: list[str] | None = None
) -> list[UnreadRecord]:
    """A person's unread counts: of these channels, or of every one that counts in the total.

    The rule: ``unread_count`` is the number of top-level TEXT and FILE
    messages by others, not deleted, sent after the read marker and since they
    joined; ``mention_count`` the messages and replies by others, not deleted,
    after the marker, that mention them by id or by @channel.
    """
    return [UnreadRecord(*row) for row in await connection.fetch(UNREAD, user_id, channel_ids)]
