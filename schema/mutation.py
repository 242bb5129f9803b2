"""What can be done."""

from __future__ import annotations

from datetime import datetime

import strawberry

from resolvers import live, presence, receipts
from schema import channel_changes, message_changes
from schema.channel_changes import ChannelPayload
from schema.context import Info
from schema.fields import resolved
from schema.message_changes import MessagePayload, SendMessagePayload
from schema.presence import Presence
from schema.upload import AttachmentPayload, UploadPayload, complete_upload, create_upload
from storage.errors import bad_input
from storage.records import PresenceRecord, PresenceStatus


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
    create_channel: ChannelPayload = resolved(channel_changes.create_channel, ChannelPayload)
    update_channel: ChannelPayload = resolved(channel_changes.update_channel, ChannelPayload)
    archive_channel: ChannelPayload = resolved(channel_changes.archive_channel, ChannelPayload)
    unarchive_channel: ChannelPayload = resolved(channel_changes.unarchive_channel, ChannelPayload)
    open_direct_message: ChannelPayload = resolved(
        channel_changes.open_direct_message,
        ChannelPayload,
        "The DM or group DM of exactly these people and the viewer; made when there is none yet.",
    )
    join_channel: ChannelPayload = resolved(channel_changes.join_channel, ChannelPayload)
    leave_channel: ChannelPayload = resolved(channel_changes.leave_channel, ChannelPayload)
    add_members: ChannelPayload = resolved(channel_changes.add_members, ChannelPayload)
    remove_member: ChannelPayload = resolved(channel_changes.remove_member, ChannelPayload)
    update_member_role: ChannelPayload = resolved(
        channel_changes.update_member_role, ChannelPayload
    )
    update_channel_preferences: ChannelPayload = resolved(
        channel_changes.update_channel_preferences,
        ChannelPayload,
        "The viewer's own settings for a channel.",
    )
    send_message: SendMessagePayload = resolved(
        message_changes.send_message,
        SendMessagePayload,
        "Sent again with the same clientMessageId, it returns the first message and sends "
        "nothing; with other content it is a CONFLICT.",
    )
    edit_message: MessagePayload = resolved(message_changes.edit_message, MessagePayload)
    delete_message: MessagePayload = resolved(message_changes.delete_message, MessagePayload)
    add_reaction: MessagePayload = resolved(message_changes.add_reaction, MessagePayload)
    remove_reaction: MessagePayload = resolved(message_changes.remove_reaction, MessagePayload)
    pin_message: MessagePayload = resolved(message_changes.pin_message, MessagePayload)
    unpin_message: MessagePayload = resolved(message_changes.unpin_message, MessagePayload)
    mark_read: ChannelPayload = resolved(
        channel_changes.mark_read,
        ChannelPayload,
        "Everything up to the message is read; without one, everything. Never moves back.",
    )
    mark_unread: ChannelPayload = resolved(
        channel_changes.mark_unread,
        ChannelPayload,
        "The message and what follows it are unread again.",
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
