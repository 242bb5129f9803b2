"""Read receipts: who has read a message, for those who tell the same of themselves."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from realtime.stream import Stream
from resolvers import inputs, live, policy
from resolvers.access import access_channel_to_follow
from resolvers.pages import Page, Placed
from resolvers.services import Services
from resolvers.viewer import Viewer
from storage import cursors, receipts
from storage.cursors import CursorKind
from storage.records import MessageRecord, ReceiptRecord

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(slots=True)
class Receipts(Page[ReceiptRecord]):
    """Some of those who have read a message."""

    total_count: int


def read_by(
    message: MessageRecord, told: list[ReceiptRecord], *, first: int | None, after: str | None
) -> Receipts:
    """Members who have read up to the message, the sender left out, in the order they joined.

    ``told`` is what the viewer is told of the channel's members.
    """
    limit = inputs.first(first)
    readers = [
        (_place(receipt), receipt)
        for receipt in told
        if receipt.joined_position < message.position <= receipt.seen_position
        and receipt.user_id != message.sender_id
    ]
    rest = readers
    if after is not None:
        moment, user_id = cursors.decode(CursorKind.RECEIPT, message.id, after, "after", (int, str))
        last = int(moment), str(user_id)
        rest = [reader for reader in readers if reader[0] > last]
    edges = [
        Placed(cursors.encode(CursorKind.RECEIPT, message.id, *place), receipt)
        for place, receipt in rest[:limit]
    ]
    return Receipts(edges, len(rest) > limit, after is not None, total_count=len(readers))


async def sends_receipts(services: Services, viewer: Viewer) -> bool:
    """Whether others are told how far the viewer has read."""
    return not await receipts.without(services.database, [viewer.id])


async def set_read_receipts(services: Services, viewer: Viewer, enabled: bool) -> bool:
    """Let others be told how far the viewer has read, and the viewer of others; or neither."""
    await receipts.turn(services.database, viewer.id, on=enabled)
    return enabled


async def follow_markers(services: Services, viewer: Viewer, channel_id: str) -> Stream:
    """How far each member reads from now on. Raises FORBIDDEN for one who only looks in."""
    access = await access_channel_to_follow(services.live, services.database, viewer, channel_id)
    policy.require_member(access)
    return live.stream(services, viewer, access, access.channel.position, follows_markers=True)


def _place(receipt: ReceiptRecord) -> tuple[int, str]:
    return (receipt.joined_at - _EPOCH) // _MICROSECOND, receipt.user_id
