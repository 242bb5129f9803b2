"""Coming and going as such: the member, the event in the log, and the notice that says so.

By hand or by the directory, it is the same; whoever calls holds the channel's lock.
"""

from storage import events, members, notices
from storage.notices import Notice
from storage.postgres import Transaction
from storage.records import ChannelRecord, ChannelType, EventKind, MemberRole

MOST_TOLD = 20
"""People who come or go at once: notices of more would bury what was said."""


async def join(
    transaction: Transaction,
    channel: ChannelRecord,
    user_ids: list[str],
    *,
    actor_id: str | None,
    role: MemberRole | str = MemberRole.MEMBER,
    is_told: bool = True,
) -> list[str]:
    """Make people members and answer those who were not; the others are left as they are.

    ``actor_id`` is None for the directory. ``is_told`` is whether to write notices where the
    channel has any.
    """
    by_themselves = actor_id is None or user_ids == [actor_id]
    added = await members.add(
        transaction,
        channel.id,
        user_ids,
        role=role,
        invited_by=None if by_themselves else actor_id,
    )
    await events.append(
        transaction, channel.id, EventKind.MEMBER_JOINED, actor_id=actor_id, user_ids=added
    )
    if is_told and has_notices(channel, len(added)):
        notice = Notice.JOINED if by_themselves else Notice.ADDED
        await notices.say(transaction, channel.id, notice, added)
    return added


async def leave(
    transaction: Transaction,
    channel: ChannelRecord,
    user_ids: list[str],
    *,
    actor_id: str | None,
    is_told: bool = True,
) -> list[str]:
    """Take people out and answer those who were in. Their leaving is the last they hear."""
    inside = await members.among(transaction, channel.id, user_ids)
    removed = [user_id for user_id in user_ids if user_id in inside]
    await events.append(
        transaction, channel.id, EventKind.MEMBER_LEFT, actor_id=actor_id, user_ids=removed
    )
    if is_told and has_notices(channel, len(removed)):
        by_themselves = actor_id is None or user_ids == [actor_id]
        notice = Notice.LEFT if by_themselves else Notice.REMOVED
        await notices.say(transaction, channel.id, notice, removed)
    # Last: whoever takes themselves out may have nothing to say here any more.
    await members.remove(transaction, channel.id, removed)
    return removed


def has_notices(channel: ChannelRecord, people: int) -> bool:
    """Whether so many people's coming or going is told in the channel: not in an archived one,
    which nobody writes in, nor where the whole company comes and goes.
    """
    return (
        people <= MOST_TOLD
        and not channel.is_archived
        and channel.type not in (ChannelType.DM, ChannelType.GENERAL)
    )
