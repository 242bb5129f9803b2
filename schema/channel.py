"""Channels and who is in them."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from datetime import datetime

import strawberry

from resolvers import history, policy
from resolvers.pages import Page
from resolvers.pins import MAX_PINS
from schema.connections import ChannelMemberConnection, MessageConnection
from schema.context import Context, Info
from schema.fields import looked_up, resolved, same_inside, selected, viewers_own
from schema.message import Message
from schema.user import User
from storage import cursors
from storage.errors import not_found
from storage.records import (
    ChannelRecord,
    ChannelType,
    MemberRecord,
    MemberRole,
    Membership,
    MessageRecord,
    NotificationLevel,
    UserRecord,
)

for enum in (ChannelType, MemberRole, NotificationLevel):
    strawberry.enum(enum)


def shown(info: Info, access: Membership) -> ChannelRecord:
    """The channel of an access that was granted, which the fields below it will rely on."""
    info.context.loaders.membership_by_channel.prime(access.channel.id, access)
    return access.channel


async def _require_readable(context: Context, channel: ChannelRecord) -> None:
    """A channel that was just left is shown once more, but not what is in it."""
    access = await context.loaders.membership_by_channel.load(channel.id)
    if access is None or not policy.sees(context.viewer, access):
        raise not_found("channel", "id")


def _member_user(member: MemberRecord, context: Context) -> UserRecord | Awaitable[UserRecord]:
    return context.loaders.user_by_id.get(member.user_id)


async def _last_read_at(member: MemberRecord, context: Context) -> datetime | None:
    """The viewer's own; of others, what their read receipts tell."""
    if member.user_id == context.viewer.id:
        return member.last_read_at
    told = await context.loaders.receipts_by_channel.load(member.channel_id)
    return next((each.read_at for each in told if each.user_id == member.user_id), None)


def _invited_by(
    member: MemberRecord, context: Context
) -> UserRecord | Awaitable[UserRecord | None] | None:
    if member.invited_by is None:
        return None
    return context.acquaintance(member.invited_by)


@strawberry.type
class ChannelMember:
    user: User = looked_up(_member_user, User)
    role: MemberRole
    is_muted: bool
    is_pinned: bool
    notification_level: NotificationLevel
    last_read_at: datetime | None = viewers_own(_last_read_at, datetime | None)
    invited_by: User | None = same_inside(_invited_by, User | None)
    joined_at: datetime


def people_of(members: Iterable[MemberRecord], fields: frozenset[str]) -> set[str]:
    """Whom these fields of these members name."""
    people: set[str] = set()
    for member in members:
        if "user" in fields:
            people.add(member.user_id)
        if "invitedBy" in fields and member.invited_by:
            people.add(member.invited_by)
    return people


async def _members(
    channel: strawberry.Parent[ChannelRecord],
    info: Info,
    first: int | None = 50,
    after: str | None = None,
) -> Page[MemberRecord]:
    context = info.context
    await _require_readable(context, channel)
    page = await history.channel_members(context.services, channel.id, first=first, after=after)
    people = people_of(page.nodes, selected(info, "edges", "node"))
    await context.loaders.user_by_id.read_ahead(people)
    return page


async def _membership(channel: ChannelRecord, context: Context) -> MemberRecord | None:
    access = await context.loaders.membership_by_channel.load(channel.id)
    return access and access.member


async def _messages(
    channel: strawberry.Parent[ChannelRecord],
    info: Info,
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
) -> Page[MessageRecord]:
    context = info.context
    await _require_readable(context, channel)
    page = await history.channel_messages(
        context.services, channel.id, first=first, after=after, last=last, before=before
    )
    await context.loaders.prepare(page.nodes, selected(info, "edges", "node"))
    return page


async def _pinned_messages(
    channel: strawberry.Parent[ChannelRecord], info: Info
) -> list[MessageRecord]:
    loaders = info.context.loaders
    await _require_readable(info.context, channel)
    pinned = await loaders.pinned_by_channel.load(channel.id)
    await loaders.prepare(pinned, selected(info))
    return pinned


async def _last_message(channel: ChannelRecord, context: Context) -> MessageRecord | None:
    if channel.last_message_id is None:
        return None
    await _require_readable(context, channel)
    last = await context.loaders.message_by_id.load(channel.last_message_id)
    # Whatever the row says, nothing of another channel is shown here.
    return last if last and last.channel_id == channel.id else None


async def _unread_count(channel: ChannelRecord, context: Context) -> int:
    return (await context.loaders.unread_by_channel.load(channel.id)).unread_count


async def _mention_count(channel: ChannelRecord, context: Context) -> int:
    return (await context.loaders.unread_by_channel.load(channel.id)).mention_count


def _cursor(channel: ChannelRecord, _: Context) -> str:
    return cursors.encode_event(channel.id, channel.epoch, channel.position)


@strawberry.type
class Channel:
    id: strawberry.ID
    type: ChannelType
    name: str | None = strawberry.field(
        description="Null for a DM: clients show the other members' names."
    )
    topic: str | None
    avatar_url: str | None
    is_private: bool
    is_archived: bool
    department_id: strawberry.ID | None
    project_id: strawberry.ID | None
    member_count: int
    members: ChannelMemberConnection = resolved(_members, ChannelMemberConnection)
    membership: ChannelMember | None = viewers_own(
        _membership,
        ChannelMember | None,
        "The viewer's own membership; null when they may look but have not joined.",
    )
    messages: MessageConnection = resolved(
        _messages,
        MessageConnection,
        "Oldest first within a page. `last`/`before` pages back from the newest; a reply is not "
        "listed here but under its parent.",
    )
    pinned_messages: list[Message] = resolved(_pinned_messages, list[Message], rows=MAX_PINS)
    last_message: Message | None = viewers_own(_last_message, Message | None)
    last_message_at: datetime | None
    unread_count: int = viewers_own(_unread_count, int)
    mention_count: int = viewers_own(_mention_count, int)
    cursor: str = looked_up(
        _cursor,
        str,
        "The newest event's cursor: subscribe with it as `after` and nothing lies between this "
        "answer and the stream.",
    )
    created_at: datetime
    updated_at: datetime
