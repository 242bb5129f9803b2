"""How far people have read, and how much they have not: the SQL.

The rule: a channel's unreadCount is the number of its top-level TEXT and FILE
messages by others, not deleted, sent after the viewer's read marker and since
they joined; replies do not count in it. mentionCount is the number of messages
and replies by others, not deleted, after the marker, that mention the viewer by
id, by @channel, or by @here while the viewer was online. Viewer.unread adds up
the channels that are not muted.
"""

from collections.abc import Iterable

from storage import sidebars
from storage.postgres import Connection, Transaction
from storage.records import UnreadRecord

# One row, whatever lies between the old marker and the new one.
MARK_READ = """
update members m
   set read_position = target.position,
       read_ordinal  = target.ordinal,
       seen_position = greatest(m.seen_position, target.position),
       last_read_at  = case when m.seen_position < target.position then now()
                            else m.last_read_at
                       end
  from (
        select position, ordinal from messages where id = $3 and channel_id = $1
         union all
        select position, ordinal from channels where id = $1 and $3::uuid is null
       ) as target
 where m.channel_id = $1
   and m.user_id = $2
   and m.read_position < target.position
returning m.last_read_at = now()
"""

# Before the message, but never to before the person joined.
MARK_UNREAD = """
update members m
   set read_position = greatest(target.position - 1, m.joined_position),
       read_ordinal  = case when target.position - 1 < m.joined_position
                            then m.joined_ordinal
                            else target.ordinal - target.counts
                       end
  from (
        select position, ordinal,
               (parent_id is null and content_type <> 'SYSTEM')::int as counts
          from messages
         where id = $3
           and channel_id = $1
       ) as target
 where m.channel_id = $1
   and m.user_id = $2
   and m.read_position > greatest(target.position - 1, m.joined_position)
returning m.user_id
"""

_CALLED = """({message}.mentions_channel
                     or case when m.seat < 8 * length({message}.here)
                             then get_bit({message}.here, m.seat) = 1
                             else false
                        end)"""

# The counts of a member m in their channel c.
#
# The ordinals say how many top-level TEXT and FILE messages came after the
# marker. Taken off again: the viewer's own, which are numbered without a gap, so
# that the first and the last one say how many (messages_own; those from before
# they were numbered are counted: messages_unnumbered), and those of others that
# were deleted since (messages_deleted). Mentions come from mentions_user
# and messages_call. None of these looks at the unread messages themselves, so
# 50,000 of them cost what one does. Each mention's message is a question of its
# own and not a join: PostgreSQL cannot know how few mentions are unread, and
# would read all messages to be prepared for many.
COUNTS = f"""
       (c.ordinal - m.read_ordinal
        - coalesce((
            select last.sender_ordinal - first.sender_ordinal + 1
              from (select own.sender_ordinal
                      from messages own
                     where own.channel_id = m.channel_id
                       and own.sender_id = m.user_id
                       and own.position > m.read_position
                       and own.sender_ordinal is not null
                     order by own.position
                     limit 1) as first
             cross join lateral
                   (select own.sender_ordinal
                      from messages own
                     where own.channel_id = m.channel_id
                       and own.sender_id = m.user_id
                       and own.sender_ordinal is not null
                     order by own.position desc
                     limit 1) as last), 0)
        - (select count(*)
             from messages own
            where own.channel_id = m.channel_id
              and own.sender_id = m.user_id
              and own.position > m.read_position
              and own.sender_ordinal is null
              and own.parent_id is null
              and own.content_type <> 'SYSTEM')
        - (select count(*)
             from messages gone
            where gone.channel_id = m.channel_id
              and gone.sender_id <> m.user_id
              and gone.position > m.read_position
              and gone.parent_id is null
              and gone.content_type <> 'SYSTEM'
              and gone.deleted_at is not null))::int as unread_count,
       ((select count(*)
           from mentions named
          where named.user_id = m.user_id
            and named.channel_id = m.channel_id
            and named.position > m.read_position
            and (select x.sender_id <> m.user_id
                    and x.deleted_at is null
                    and not {_CALLED.format(message="x")}
                   from messages x
                  where x.id = named.message_id))
        + (select count(*)
             from messages y
            where y.channel_id = m.channel_id
              and (y.mentions_channel or y.mentions_here)
              and y.position > m.read_position
              and y.sender_id <> m.user_id
              and y.deleted_at is null
              and {_CALLED.format(message="y")}))::int as mention_count
"""

UNREAD = f"""
select m.channel_id::text, {COUNTS}
  from members m
  join channels c on c.id = m.channel_id
 where m.user_id = $1
   and ($2::uuid[] is null or m.channel_id = any($2))
   and ($2::uuid[] is not null or not m.is_muted)
"""

SEATS = """
select seat
  from members
 where channel_id = $1
   and user_id = any($2::text[])
"""


async def mark_read(
    transaction: Transaction, channel_id: str, user_id: str, message_id: str | None
) -> bool:
    """Move the read marker up to a message, or to the end; never back.

    Answers whether it is now further than it has ever been.
    """
    is_new: bool | None = await transaction.fetchval(MARK_READ, channel_id, user_id, message_id)
    if is_new is not None:
        sidebars.touch(transaction, channel_id, [user_id])
    return bool(is_new)


async def mark_unread(
    transaction: Transaction, channel_id: str, user_id: str, message_id: str
) -> None:
    """Move the read marker back to before a message; never forward."""
    if await transaction.fetchval(MARK_UNREAD, channel_id, user_id, message_id):
        sidebars.touch(transaction, channel_id, [user_id])


async def unread(
    connection: Connection, user_id: str, channel_ids: list[str] | None = None
) -> list[UnreadRecord]:
    """A person's unread counts: of these channels, or of every one that counts in the total."""
    return [UnreadRecord(*row) for row in await connection.fetch(UNREAD, user_id, channel_ids)]


async def called_here(transaction: Transaction, channel_id: str, user_ids: Iterable[str]) -> bytes:
    """These people as ``messages.here`` keeps them; who is no member is left out.

    The caller holds the channel's lock.
    """
    rows = await transaction.fetch(SEATS, channel_id, list(user_ids))
    bits = bytearray(max((row[0] for row in rows), default=-1) // 8 + 1)
    for (seat,) in rows:
        bits[seat // 8] |= 1 << seat % 8
    return bytes(bits)
