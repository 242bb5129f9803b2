"""What can be followed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import strawberry

from realtime.cohorts import Signal
from realtime.stream import Stream
from resolvers import inbox, live, presence, receipts
from schema.context import Info
from schema.events import ChannelEvent, PresenceEvent, ReadMarkerEvent, TypingEvent
from schema.inbox import InboxEvent
from schema.message import Message
from storage.events import Typed
from storage.records import EventKind, EventRecord, MarkerMoved


async def _follow(info: Info, channel_id: strawberry.ID, after: str | None = None) -> Stream:
    context = info.context
    place = context.last_event_id or after
    return await live.follow_channel(context.services, context.viewer, channel_id, place)


async def _message_added(
    info: Info, channel_id: strawberry.ID, after: str | None = None
) -> AsyncIterator[Message]:
    return await _follow(info, channel_id, after)  # type: ignore[return-value]


async def _channel_events(
    info: Info, channel_id: strawberry.ID, after: str | None = None
) -> AsyncIterator[ChannelEvent]:
    return await _follow(info, channel_id, after)  # type: ignore[return-value]


async def _typing(info: Info, channel_id: strawberry.ID) -> AsyncIterator[TypingEvent]:
    return await _follow(info, channel_id)  # type: ignore[return-value]


async def _read_marker_moved(
    info: Info, channel_id: strawberry.ID
) -> AsyncIterator[ReadMarkerEvent]:
    context = info.context
    return await receipts.follow_markers(  # type: ignore[return-value]
        context.services, context.viewer, channel_id
    )


async def _inbox(info: Info) -> AsyncIterator[InboxEvent]:
    context = info.context
    return inbox.follow(context.services, context.viewer, context.fields)  # type: ignore[return-value]


async def _presence_changed(
    info: Info, user_ids: list[strawberry.ID]
) -> AsyncIterator[PresenceEvent]:
    context = info.context
    return presence.follow(context.services, context.viewer, list(user_ids))  # type: ignore[return-value]


@strawberry.type
class Subscription:
    message_added: AsyncIterator[Message] = strawberry.subscription(
        resolver=_message_added,
        description="New messages of a channel, replies included. With `after`, first everything "
        "missed since that cursor, in order, then live.",
    )
    channel_events: AsyncIterator[ChannelEvent] = strawberry.subscription(
        resolver=_channel_events,
        description="Everything that happens in a channel, in order, each exactly once.",
    )
    typing: AsyncIterator[TypingEvent] = strawberry.subscription(resolver=_typing)
    read_marker_moved: AsyncIterator[ReadMarkerEvent] = strawberry.subscription(
        resolver=_read_marker_moved,
        description="How far each member has read. Not part of the channel's log: a client that "
        "was away asks `readBy` again.",
    )
    inbox: AsyncIterator[InboxEvent] = strawberry.subscription(
        resolver=_inbox,
        description="The viewer's whole sidebar: an InboxSnapshot first, then every change.",
    )
    presence_changed: AsyncIterator[PresenceEvent] = strawberry.subscription(
        resolver=_presence_changed
    )


def _sent_message(signal: Signal) -> Any:
    is_sent = isinstance(signal, EventRecord) and signal.kind == EventKind.MESSAGE_SENT
    return signal.message if is_sent else None  # type: ignore[union-attr]


def _event(signal: Signal) -> Any:
    return signal if isinstance(signal, EventRecord) else None


def _typed(signal: Signal) -> Any:
    return signal if isinstance(signal, Typed) else None


def _marker(signal: Signal) -> Any:
    return signal if isinstance(signal, MarkerMoved) else None


def _itself(signal: Any) -> Any:
    return signal


SOURCES: dict[str, Callable[[Any], Any]] = {
    "messageAdded": _sent_message,
    "channelEvents": _event,
    "typing": _typed,
    "readMarkerMoved": _marker,
    "inbox": _itself,
    "presenceChanged": _itself,
}
"""What each root field makes of a signal; None when it is not one for it."""
