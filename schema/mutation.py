"""What can be done."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import strawberry

from resolvers import (
    changes,
    channels,
    live,
    membership,
    messages,
    pages,
    pins,
    preferences,
    presence,
    reading,
    receipts,
)
from resolvers.messages import Draft
from schema.channel import Channel, shown
from schema.connections import MessageEdge
from schema.context import Info
from schema.fields import resolved
from schema.message import Message
from schema.presence import Presence
from schema.upload import AttachmentPayload, UploadPayload, complete_upload, create_upload
from storage.errors import bad_input
from storage.records import (
    ChannelRecord,
    ChannelType,
    MemberRole,
    Membership,
    MessageRecord,
    NotificationLevel,
    PresenceRecord,
    PresenceStatus,
)


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
class SendMessageInput:
    channel_id: strawberry.ID
    content: str
    parent_id: strawberry.ID | None = strawberry.field(
        default=None, description="Makes this a reply in that message's thread."
    )
    mentioned_user_ids: list[strawberry.ID] = strawberry.field(default_factory=list)
    attachment_ids: list[strawberry.ID] = strawberry.field(default_factory=list)
    client_message_id: str | None = strawberry.field(
        default=None,
        description="Chosen by the client, unique for the sender: makes sending safe to retry.",
    )


@strawberry.input
class ChannelPreferencesInput:
    channel_id: strawberry.ID
    is_muted: bool | None = None
    is_pinned: bool | None = None
    notification_level: NotificationLevel | None = None


@strawberry.type
class ChannelPayload:
    channel: Channel


@strawberry.type
class MessagePayload:
    message: Message


@strawberry.type(description="The edge goes straight into a cached MessageConnection.")
class SendMessagePayload:
    message: Message
    message_edge: MessageEdge


class Changed(NamedTuple):
    """The channel a mutation was about."""

    channel: ChannelRecord


class Written(NamedTuple):
    """The message a mutation was about."""

    message: MessageRecord

    @property
    def message_edge(self) -> pages.MessageEdge:
        """Its place in its channel or thread."""
        return pages.MessageEdge(self.message)


def _changed(info: Info, access: Membership) -> Changed:
    info.context.forget()
    return Changed(shown(info, access))


def _written(info: Info, message: MessageRecord) -> Written:
    info.context.forget()
    return Written(message)


async def _create_channel(info: Info, input: CreateChannelInput) -> Changed:
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


async def _update_channel(info: Info, input: UpdateChannelInput) -> Changed:
    named = {
        name: getattr(input, name)
        for name in ("name", "topic", "avatar_url", "is_private")
        if getattr(input, name) is not strawberry.UNSET
    }
    access = await channels.update_channel(
        info.context.services, info.context.viewer, input.channel_id, named
    )
    return _changed(info, access)


async def _archive_channel(info: Info, channel_id: strawberry.ID) -> Changed:
    context = info.context
    access = await channels.archive_channel(
        context.services, context.viewer, channel_id, is_archived=True
    )
    return _changed(info, access)


async def _unarchive_channel(info: Info, channel_id: strawberry.ID) -> Changed:
    context = info.context
    access = await channels.archive_channel(
        context.services, context.viewer, channel_id, is_archived=False
    )
    return _changed(info, access)


async def _open_direct_message(info: Info, user_ids: list[strawberry.ID]) -> Changed:
    access = await channels.open_direct_message(
        info.context.services, info.context.viewer, list(user_ids)
    )
    return _changed(info, access)


async def _join_channel(info: Info, channel_id: strawberry.ID) -> Changed:
    context = info.context
    return _changed(
        info, await membership.join_channel(context.services, context.viewer, channel_id)
    )


async def _leave_channel(info: Info, channel_id: strawberry.ID) -> Changed:
    context = info.context
    return _changed(
        info, await membership.leave_channel(context.services, context.viewer, channel_id)
    )


async def _add_members(
    info: Info, channel_id: strawberry.ID, user_ids: list[strawberry.ID]
) -> Changed:
    access = await membership.add_members(
        info.context.services, info.context.viewer, channel_id, list(user_ids)
    )
    return _changed(info, access)


async def _remove_member(info: Info, channel_id: strawberry.ID, user_id: strawberry.ID) -> Changed:
    access = await membership.remove_member(
        info.context.services, info.context.viewer, channel_id, user_id
    )
    return _changed(info, access)


async def _update_member_role(
    info: Info, channel_id: strawberry.ID, user_id: strawberry.ID, role: MemberRole
) -> Changed:
    access = await membership.update_member_role(
        info.context.services, info.context.viewer, channel_id, user_id, role
    )
    return _changed(info, access)


async def _send_message(info: Info, input: SendMessageInput) -> Written:
    draft = Draft(
        channel_id=input.channel_id,
        content=input.content,
        parent_id=input.parent_id,
        mentioned_user_ids=tuple(input.mentioned_user_ids),
        attachment_ids=tuple(input.attachment_ids),
        client_message_id=input.client_message_id,
    )
    context = info.context
    return _written(info, await messages.send_message(context.services, context.viewer, draft))


async def _edit_message(info: Info, message_id: strawberry.ID, content: str) -> Written:
    context = info.context
    return _written(
        info, await changes.edit_message(context.services, context.viewer, message_id, content)
    )


async def _delete_message(info: Info, message_id: strawberry.ID) -> Written:
    context = info.context
    return _written(
        info, await changes.delete_message(context.services, context.viewer, message_id)
    )


async def _add_reaction(info: Info, message_id: strawberry.ID, emoji: str) -> Written:
    context = info.context
    return _written(
        info, await changes.add_reaction(context.services, context.viewer, message_id, emoji)
    )


async def _remove_reaction(info: Info, message_id: strawberry.ID, emoji: str) -> Written:
    context = info.context
    return _written(
        info, await changes.remove_reaction(context.services, context.viewer, message_id, emoji)
    )


async def _pin_message(info: Info, message_id: strawberry.ID) -> Written:
    context = info.context
    return _written(info, await pins.pin_message(context.services, context.viewer, message_id))


async def _unpin_message(info: Info, message_id: strawberry.ID) -> Written:
    context = info.context
    return _written(info, await pins.unpin_message(context.services, context.viewer, message_id))


async def _mark_read(
    info: Info, channel_id: strawberry.ID, message_id: strawberry.ID | None = None
) -> Changed:
    access = await reading.mark_read(
        info.context.services, info.context.viewer, channel_id, message_id
    )
    return _changed(info, access)


async def _mark_unread(info: Info, message_id: strawberry.ID) -> Changed:
    context = info.context
    return _changed(info, await reading.mark_unread(context.services, context.viewer, message_id))


async def _update_channel_preferences(info: Info, input: ChannelPreferencesInput) -> Changed:
    access = await preferences.update_channel_preferences(
        info.context.services,
        info.context.viewer,
        input.channel_id,
        is_muted=input.is_muted,
        is_pinned=input.is_pinned,
        notification_level=input.notification_level,
    )
    return _changed(info, access)


async def _set_read_receipts(info: Info, enabled: bool) -> bool:
    context = info.context
    is_on = await receipts.set_read_receipts(context.services, context.viewer, enabled)
    context.forget()
    return is_on


async def _set_typing(info: Info, channel_id: strawberry.ID, is_typing: bool = True) -> bool:
    context = info.context
    return await live.set_typing(
        context.services, context.viewer, channel_id, is_typing, context.device
    )


async def _set_presence(info: Info, status: PresenceStatus) -> PresenceRecord:
    context = info.context
    return await presence.set_presence(context.services, context.viewer, status, context.device)


async def _set_status(
    info: Info,
    text: str | None = None,
    emoji: str | None = None,
    expires_at: datetime | None = None,
) -> PresenceRecord:
    context = info.context
    return await presence.set_status(
        context.services, context.viewer, text=text, emoji=emoji, expires_at=expires_at
    )


async def _renew_session(info: Info, token: str) -> datetime:
    if info.context.renew is None:
        raise bad_input("token", "Only a socket's session is renewed; send the new token instead.")
    return await info.context.renew(token)


@strawberry.type
class Mutation:
    create_channel: ChannelPayload = resolved(_create_channel, ChannelPayload)
    update_channel: ChannelPayload = resolved(_update_channel, ChannelPayload)
    archive_channel: ChannelPayload = resolved(_archive_channel, ChannelPayload)
    unarchive_channel: ChannelPayload = resolved(_unarchive_channel, ChannelPayload)
    open_direct_message: ChannelPayload = resolved(
        _open_direct_message,
        ChannelPayload,
        "The DM or group DM of exactly these people and the viewer; made when there is none yet.",
    )
    join_channel: ChannelPayload = resolved(_join_channel, ChannelPayload)
    leave_channel: ChannelPayload = resolved(_leave_channel, ChannelPayload)
    add_members: ChannelPayload = resolved(_add_members, ChannelPayload)
    remove_member: ChannelPayload = resolved(_remove_member, ChannelPayload)
    update_member_role: ChannelPayload = resolved(_update_member_role, ChannelPayload)
    update_channel_preferences: ChannelPayload = resolved(
        _update_channel_preferences,
        ChannelPayload,
        "The viewer's own settings for a channel.",
    )
    send_message: SendMessagePayload = resolved(
        _send_message,
        SendMessagePayload,
        "Sent again with the same clientMessageId, it returns the first message and sends "
        "nothing; with other content it is a CONFLICT.",
    )
    edit_message: MessagePayload = resolved(_edit_message, MessagePayload)
    delete_message: MessagePayload = resolved(_delete_message, MessagePayload)
    add_reaction: MessagePayload = resolved(_add_reaction, MessagePayload)
    remove_reaction: MessagePayload = resolved(_remove_reaction, MessagePayload)
    pin_message: MessagePayload = resolved(_pin_message, MessagePayload)
    unpin_message: MessagePayload = resolved(_unpin_message, MessagePayload)
    mark_read: ChannelPayload = resolved(
        _mark_read,
        ChannelPayload,
        "Everything up to the message is read; without one, everything. Never moves back.",
    )
    mark_unread: ChannelPayload = resolved(
        _mark_unread, ChannelPayload, "The message and what follows it are unread again."
    )
    set_read_receipts: bool = resolved(
        _set_read_receipts,
        bool,
        "Whether others are told how far the viewer has read; who turns this off is not told of "
        "others either.",
    )
    create_upload: UploadPayload = resolved(create_upload, UploadPayload)
    complete_upload: AttachmentPayload = resolved(
        complete_upload,
        AttachmentPayload,
        "Checks the stored object; only then can a message carry the attachment.",
    )
    set_typing: bool = resolved(
        _set_typing,
        bool,
        "Lasts three seconds unless renewed; ends at once with isTyping: false or a sent message.",
    )
    set_presence: Presence = resolved(
        _set_presence,
        Presence,
        "Called every 25 seconds by a client without an open subscription.",
    )
    set_status: Presence = resolved(_set_status, Presence)
    renew_session: datetime = resolved(
        _renew_session,
        datetime,
        "A fresh token for a socket whose token is about to expire: its subscriptions go on.",
    )
