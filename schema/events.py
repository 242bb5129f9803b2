"""What happens in a channel, as subscriptions tell it."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import datetime
from typing import Any

import strawberry

from schema.channel import Channel
from schema.context import Context
from schema.fields import looked_up, same_inside
from schema.message import Message
from schema.presence import Presence
from schema.user import User
from storage import cursors
from storage.events import Typed
from storage.records import (
    ChannelRecord,
    EventRecord,
    MarkerMoved,
    MemberRole,
    PresenceRecord,
    UserRecord,
)


def _cursor(event: EventRecord, _: Context) -> str:
    return cursors.encode_event(event.channel_id, event.epoch, event.position)


def _actor(
    event: EventRecord, context: Context
) -> UserRecord | Awaitable[UserRecord | None] | None:
    if event.actor_id is None:
        return None
    # Whoever the event is about, or whose message it shows, is named in it anyway.
    if event.actor_id in (event.user_id, event.message and event.message.sender_id):
        return context.loaders.user_by_id.get(event.actor_id)
    return context.acquaintance(event.actor_id)


def _user(
    event: EventRecord | Typed | MarkerMoved, context: Context
) -> UserRecord | Awaitable[UserRecord]:
    assert event.user_id is not None, "this kind of event is about somebody"
    return context.loaders.user_by_id.get(event.user_id)


NOW = "As it is when this is told, which is later than it happened for those who were away."


def _member_count(event: EventRecord, context: Context) -> int | Awaitable[int]:
    channel = context.loaders.channel_by_id.get(event.channel_id)
    return channel.member_count if isinstance(channel, ChannelRecord) else _counted(channel)


async def _counted(channel: Awaitable[ChannelRecord]) -> int:
    return (await channel).member_count


def _detail(event: EventRecord, _: Context) -> str | None:
    return event.detail


def _channel(event: EventRecord, context: Context) -> ChannelRecord | Awaitable[ChannelRecord]:
    return context.loaders.channel_by_id.get(event.channel_id)


@strawberry.interface
class ChannelEvent:
    cursor: str = looked_up(
        _cursor, str, "Pass the last one received as `after` to go on from there."
    )
    channel_id: strawberry.ID
    occurred_at: datetime
    actor: User | None = same_inside(_actor, User | None)

    @classmethod
    def resolve_type(cls, event: EventRecord, *_: Any) -> str:
        """An event's kind is the name of its type."""
        return event.kind


class _Logged:
    @classmethod
    def is_type_of(cls, event: EventRecord, _: Any) -> bool:
        """See ``ChannelEvent.resolve_type``."""
        return event.kind == cls.__name__


@strawberry.type
class MessageSent(_Logged, ChannelEvent):
    message: Message


@strawberry.type
class MessageEdited(_Logged, ChannelEvent):
    message: Message


@strawberry.type
class MessageDeleted(_Logged, ChannelEvent):
    message_id: strawberry.ID
    message: Message = strawberry.field(description=NOW)


@strawberry.type
class ReactionAdded(_Logged, ChannelEvent):
    message_id: strawberry.ID
    message: Message = strawberry.field(description=NOW)
    emoji: str = looked_up(_detail, str)
    user: User = looked_up(_user, User)


@strawberry.type
class ReactionRemoved(_Logged, ChannelEvent):
    message_id: strawberry.ID
    message: Message = strawberry.field(description=NOW)
    emoji: str = looked_up(_detail, str)
    user: User = looked_up(_user, User)


@strawberry.type
class MessagePinned(_Logged, ChannelEvent):
    message: Message


@strawberry.type
class MessageUnpinned(_Logged, ChannelEvent):
    message: Message


@strawberry.type
class MemberJoined(_Logged, ChannelEvent):
    user: User = looked_up(_user, User)
    member_count: int = looked_up(_member_count, int, NOW)


@strawberry.type
class MemberLeft(_Logged, ChannelEvent):
    user: User = looked_up(_user, User)
    member_count: int = looked_up(_member_count, int, NOW)


@strawberry.type
class MemberRoleChanged(_Logged, ChannelEvent):
    user: User = looked_up(_user, User)
    role: MemberRole = looked_up(_detail, MemberRole)


@strawberry.type
class ChannelUpdated(_Logged, ChannelEvent):
    channel: Channel = looked_up(_channel, Channel)


@strawberry.type
class TypingEvent:
    channel_id: strawberry.ID
    user: User = looked_up(_user, User)
    is_typing: bool


@strawberry.type
class ReadMarkerEvent:
    channel_id: strawberry.ID
    user: User = looked_up(_user, User)
    message_id: strawberry.ID
    read_at: datetime


def _watched(record: PresenceRecord, context: Context) -> UserRecord | Awaitable[UserRecord]:
    return context.loaders.user_by_id.get(record.user_id)


def _itself(record: PresenceRecord, _: Context) -> PresenceRecord:
    return record


@strawberry.type
class PresenceEvent:
    user: User = looked_up(_watched, User)
    presence: Presence = looked_up(_itself, Presence)


EVENT_TYPES = [
    MessageSent,
    MessageEdited,
    MessageDeleted,
    ReactionAdded,
    ReactionRemoved,
    MessagePinned,
    MessageUnpinned,
    MemberJoined,
    MemberLeft,
    MemberRoleChanged,
    ChannelUpdated,
]
