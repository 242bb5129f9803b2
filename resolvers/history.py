"""Reading back: pages of messages, threads and members, by keyset and never by offset."""

from datetime import UTC, datetime, timedelta

from resolvers import inputs, policy
from resolvers.access import access_channel, access_message
from resolvers.pages import Edge, MessageEdge, Page, Placed
from resolvers.services import Services
from resolvers.viewer import Viewer
from storage import cursors, members, messages
from storage.cursors import MAX_BIGINT, CursorKind
from storage.errors import bad_input
from storage.records import MemberRecord, MessageRecord

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


async def message(
    services: Services, viewer: Viewer, message_id: str, *, with_channel: bool
) -> MessageRecord:
    """A message the viewer may see. Raises NOT_FOUND. ``with_channel`` says that the operation
    may go on to its channel: where looks are recorded, that is one too.
    """
    found, access = await access_message(services.database, viewer, message_id)
    if with_channel and policy.sees_by_power_alone(viewer, access):
        await access_channel(services.database, viewer, access.channel.id)
    return found


async def channel_messages(
    services: Services,
    channel_id: str,
    *,
    first: int | None,
    after: str | None,
    last: int | None,
    before: str | None,
) -> Page[MessageRecord]:
    """A page of a channel the viewer was given; the newest fifty when nothing else is asked for."""
    if first is not None and last is not None:
        raise bad_input("last", "Ask for the first or the last ones, not both.")
    backward = last is not None or (first is None and after is None)
    limit = inputs.first(last, "last") if backward else inputs.first(first)
    kind = CursorKind.MESSAGE
    low = 0 if after is None else cursors.decode_position(kind, channel_id, after, "after")
    high = (
        MAX_BIGINT
        if before is None
        else cursors.decode_position(kind, channel_id, before, "before")
    )
    rows = await messages.page(
        services.database, channel_id, after=low, before=high, limit=limit + 1, backward=backward
    )
    more = len(rows) > limit
    if backward:
        page = rows[1:] if more else rows
        return Page(
            [MessageEdge(row) for row in page],
            has_next=before is not None,
            has_previous=more or after is not None,
        )
    return Page(
        [MessageEdge(row) for row in rows[:limit]],
        has_next=more or before is not None,
        has_previous=after is not None,
    )


async def replies(
    services: Services, parent_id: str, *, first: int | None, after: str | None
) -> Page[MessageRecord]:
    """A page of a thread the viewer was given the root of."""
    limit = inputs.first(first)
    low = (
        0 if after is None else cursors.decode_position(CursorKind.REPLY, parent_id, after, "after")
    )
    rows = await messages.thread(services.database, parent_id, after=low, limit=limit + 1)
    return Page(
        [MessageEdge(row) for row in rows[:limit]],
        has_next=len(rows) > limit,
        has_previous=after is not None,
    )


async def channel_members(
    services: Services, channel_id: str, *, first: int | None, after: str | None
) -> Page[MemberRecord]:
    """Who is in a channel the viewer was given, in the order they joined."""
    limit = inputs.first(first)
    joined_at, user_id = _EPOCH, ""
    if after is not None:
        moment, last = cursors.decode(CursorKind.MEMBER, channel_id, after, "after", (int, str))
        try:
            joined_at, user_id = _EPOCH + int(moment) * _MICROSECOND, str(last)
        except OverflowError:
            raise bad_input("after", "This is not a cursor of this list.") from None
    rows = await members.page(
        services.database, channel_id, after=(joined_at, user_id), limit=limit + 1
    )
    return Page(
        [_member_edge(row) for row in rows[:limit]],
        has_next=len(rows) > limit,
        has_previous=after is not None,
    )


def _member_edge(member: MemberRecord) -> Edge[MemberRecord]:
    moment = (member.joined_at - _EPOCH) // _MICROSECOND
    return Placed(
        cursors.encode(CursorKind.MEMBER, member.channel_id, moment, member.user_id), member
    )
