"""What can be asked."""

from __future__ import annotations

from datetime import datetime

import strawberry

from resolvers import channels, history, people, receipts, search
from resolvers.pages import Page, Placed
from resolvers.viewer import Viewer as SignedIn
from schema.channel import Channel, people_of, shown
from schema.connections import ChannelConnection, MessageSearchConnection, UserConnection
from schema.context import Context, Info
from schema.fields import resolved, selected, viewers_own
from schema.message import Message
from schema.user import User
from storage.errors import ErrorCode, Refusal
from storage.records import (
    ChannelOrder,
    ChannelRecord,
    ChannelType,
    Membership,
    MessageRecord,
    MessageSearchOrder,
    UserRecord,
)

strawberry.enum(ChannelOrder)
strawberry.enum(MessageSearchOrder)


@strawberry.input
class ChannelFilter:
    types: list[ChannelType] | None = None
    unread_only: bool | None = False
    include_archived: bool | None = False
    search: str | None = None


@strawberry.input
class MessageSearchFilter:
    channel_id: strawberry.ID | None = None
    sender_id: strawberry.ID | None = None
    mentions_user_id: strawberry.ID | None = None
    has_attachment: bool | None = None
    sent_after: datetime | None = None
    sent_before: datetime | None = None


@strawberry.type
class UnreadSummary:
    messages: int
    mentions: int
    channels: int


async def _channels(
    viewer: strawberry.Parent[SignedIn],
    info: Info,
    filter: ChannelFilter | None = None,
    order_by: ChannelOrder | None = ChannelOrder.RECENT_ACTIVITY,
    first: int | None = 50,
    after: str | None = None,
) -> Page[ChannelRecord]:
    wanted = filter or ChannelFilter()
    page = await channels.sidebar(
        info.context.services,
        viewer,
        by_name=order_by == ChannelOrder.NAME,
        types=wanted.types,
        unread_only=bool(wanted.unread_only),
        include_archived=bool(wanted.include_archived),
        search=wanted.search,
        first=first,
        after=after,
    )
    await _read_ahead(info, page.nodes)
    edges = [Placed(edge.cursor, shown(info, edge.node)) for edge in page.edges]
    return Page(edges, page.has_next, page.has_previous)


async def _read_ahead(info: Info, listed: list[Membership]) -> None:
    """The last messages of these channels, and in one query all people they and the viewer's
    memberships name.
    """
    loaders = info.context.loaders
    last: list[MessageRecord] = []
    if "lastMessage" in selected(info, "edges", "node"):
        ids = [channel.last_message_id for channel, _ in listed if channel.last_message_id]
        last = [found for found in await loaders.message_by_id.read_ahead(ids) if found]
    await loaders.prepare(
        last,
        selected(info, "edges", "node", "lastMessage"),
        people_of(
            (member for _, member in listed if member),
            selected(info, "edges", "node", "membership"),
        ),
    )


async def _unread(viewer: SignedIn, context: Context) -> UnreadSummary:
    counts = await channels.unread_total(context.services, viewer)
    return UnreadSummary(
        messages=sum(count.unread_count for count in counts),
        mentions=sum(count.mention_count for count in counts),
        channels=sum(bool(count.unread_count or count.mention_count) for count in counts),
    )


async def _sends_read_receipts(viewer: SignedIn, context: Context) -> bool:
    return await receipts.sends_receipts(context.services, viewer)


@strawberry.type
class Viewer:
    user: User
    channels: ChannelConnection = resolved(_channels, ChannelConnection)
    unread: UnreadSummary = viewers_own(
        _unread,
        UnreadSummary,
        "Totals over every channel the viewer is in; exact, muted channels left out.",
    )
    sends_read_receipts: bool = viewers_own(
        _sends_read_receipts,
        bool,
        "Whether others are told how far the viewer has read, and the viewer how far they have.",
    )


def _viewer(info: Info) -> SignedIn:
    return info.context.viewer


async def _channel(info: Info, id: strawberry.ID) -> ChannelRecord | None:
    context = info.context
    try:
        return shown(info, await channels.channel(context.services, context.viewer, id))
    except Refusal as refusal:
        _require_not_found(refusal)
        return None


async def _message(info: Info, id: strawberry.ID) -> MessageRecord | None:
    context = info.context
    try:
        found = await history.message(
            context.services, context.viewer, id, with_channel="channel" in context.fields
        )
    except Refusal as refusal:
        _require_not_found(refusal)
        return None
    await context.loaders.prepare([found], selected(info))
    return found


async def _user(info: Info, id: strawberry.ID) -> UserRecord | None:
    context = info.context
    try:
        return await people.user(context.services, context.viewer, id)
    except Refusal as refusal:
        _require_not_found(refusal)
        return None


async def _users(
    info: Info, search: str | None = None, first: int | None = 20, after: str | None = None
) -> Page[UserRecord]:
    context = info.context
    return await people.users(
        context.services, context.viewer, search=search, first=first, after=after
    )


async def _search_messages(
    info: Info,
    query: str,
    filter: MessageSearchFilter | None = None,
    order_by: MessageSearchOrder | None = MessageSearchOrder.NEWEST,
    first: int | None = 20,
    after: str | None = None,
) -> search.Matches:
    context = info.context
    wanted = search.Filter(**vars(filter)) if filter else search.Filter()
    found = await search.messages(
        context.services,
        context.viewer,
        query,
        filter=wanted,
        by_relevance=order_by == MessageSearchOrder.RELEVANCE,
        first=first,
        after=after,
    )
    loaders = context.loaders
    for id in {message.channel_id for message in found.nodes}:
        access = found.channels[id]
        loaders.channel_by_id.prime(id, access.channel)
        loaders.membership_by_channel.prime(id, access)
    await loaders.prepare(found.nodes, selected(info, "edges", "node"))
    return found


def _require_not_found(refusal: Refusal) -> None:
    if refusal.code is not ErrorCode.NOT_FOUND:
        raise refusal


@strawberry.type
class Query:
    viewer: Viewer = resolved(_viewer, Viewer, "The signed-in user and everything that is theirs.")
    channel: Channel | None = resolved(
        _channel,
        Channel | None,
        "Null when the channel does not exist or the viewer may not see it: the two look the same.",
    )
    message: Message | None = resolved(_message, Message | None)
    user: User | None = resolved(_user, User | None)
    users: UserConnection = resolved(
        _users, UserConnection, "People the viewer may find and write to, best match first."
    )
    search_messages: MessageSearchConnection = resolved(
        _search_messages,
        MessageSearchConnection,
        "Full-text search over the messages the viewer may read.",
    )
