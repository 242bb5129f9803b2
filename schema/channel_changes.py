"""What can be done with channels: whoever does it is answered with the channel as it is then."""

from __future__ import annotations

from typing import NamedTuple

import strawberry

from resolvers import channels, membership, preferences, reading
from schema.channel import Channel, shown
from schema.context import Info
from storage.records import ChannelRecord, ChannelType, MemberRole, Membership, NotificationLevel


@strawberry.input
class CreateChannelInput:
    type: ChannelType = ChannelType.GROUP
    name: str
    topic: str | None = None
    is_private: bool = False
    member_ids: list[strawberry.ID] = strawberry.field(default_factory=list)


@strawberry.input
class UpdateChannelInput:
    channel_id: strawberry.ID
    name: str | None = strawberry.UNSET
    topic: str | None = strawberry.UNSET
    avatar_url: str | None = strawberry.UNSET
    is_private: bool | None = strawberry.UNSET


@strawberry.input
class ChannelPreferencesInput:
    channel_id: strawberry.ID
    is_muted: bool | None = None
    is_pinned: bool | None = None
    notification_level: NotificationLevel | None = None


@strawberry.type
class ChannelPayload:
    channel: Channel


class Changed(NamedTuple):
    """The channel a mutation was about."""

    channel: ChannelRecord


def _changed(info: Info, access: Membership) -> Changed:
    info.context.forget()
    return Changed(shown(info, access))


async def create_channel(info: Info, input: CreateChannelInput) -> Changed:
    access = await channels.create_channel(
        info.context.services,
        info.context.viewer,
        type=input.type,
        name=input.name,
        topic=input.topic,
        is_private=input.is_private,
        member_ids=list(input.member_ids),
    )
    return _changed(info, access)


async def update_channel(info: Info, input: UpdateChannelInput) -> Changed:
    named = {
        name: getattr(input, name)
        for name in ("name", "topic", "avatar_url", "is_private")
        if getattr(input, name) is not strawberry.UNSET
    }
    access = await channels.update_channel(
        info.context.services, info.context.viewer, input.channel_id, named
    )
    return _changed(info, access)


async def archive_channel(info: Info, channel_id: strawberry.ID) -> Changed:
    context = info.context
    access = await channels.archive_channel(
        context.services, context.viewer, channel_id, is_archived=True
    )
    return _changed(info, access)


async def unarchive_channel(info: Info, channel_id: strawberry.ID) -> Changed:
    context = info.context
    access = await channels.archive_channel(
        context.services, context.viewer, channel_id, is_archived=False
    )
    return _changed(info, access)


async def open_direct_message(info: Info, user_ids: list[strawberry.ID]) -> Changed:
    access = await channels.open_direct_message(
        info.context.services, info.context.viewer, list(user_ids)
    )
    return _changed(info, access)


async def join_channel(info: Info, channel_id: strawberry.ID) -> Changed:
    context = info.context
    return _changed(
        info, await membership.join_channel(context.services, context.viewer, channel_id)
    )


async def leave_channel(info: Info, channel_id: strawberry.ID) -> Changed:
    context = info.context
    return _changed(
        info, await membership.leave_channel(context.services, context.viewer, channel_id)
    )


async def add_members(
    info: Info, channel_id: strawberry.ID, user_ids: list[strawberry.ID]
) -> Changed:
    access = await membership.add_members(
        info.context.services, info.context.viewer, channel_id, list(user_ids)
    )
    return _changed(info, access)


async def remove_member(info: Info, channel_id: strawberry.ID, user_id: strawberry.ID) -> Changed:
    access = await membership.remove_member(
        info.context.services, info.context.viewer, channel_id, user_id
    )
    return _changed(info, access)


async def update_member_role(
    info: Info, channel_id: strawberry.ID, user_id: strawberry.ID, role: MemberRole
) -> Changed:
    access = await membership.update_member_role(
        info.context.services, info.context.viewer, channel_id, user_id, role
    )
    return _changed(info, access)


async def mark_read(
    info: Info, channel_id: strawberry.ID, message_id: strawberry.ID | None = None
) -> Changed:
    access = await reading.mark_read(
        info.context.services, info.context.viewer, channel_id, message_id
    )
    return _changed(info, access)


async def mark_unread(info: Info, message_id: strawberry.ID) -> Changed:
    context = info.context
    return _changed(info, await reading.mark_unread(context.services, context.viewer, message_id))


async def update_channel_preferences(info: Info, input: ChannelPreferencesInput) -> Changed:
    access = await preferences.update_channel_preferences(
        info.context.services,
        info.context.viewer,
        input.channel_id,
        is_muted=input.is_muted,
        is_pinned=input.is_pinned,
        notification_level=input.notification_level,
    )
    return _changed(info, access)
