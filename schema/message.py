"""Messages, and what hangs on them."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from resolvers import history, inputs, receipts
from resolvers.pages import Page
from resolvers.receipts import Receipts
from schema.connections import MessageConnection, ReadReceiptConnection
from schema.context import Context, Info
from schema.fields import looked_up, resolved, selected, viewers_own
from schema.user import User
from storage.records import (
    AttachmentRecord,
    ChannelRecord,
    MessageContentType,
    MessageRecord,
    ReactionRecord,
    ReceiptRecord,
    RevisionRecord,
    UserRecord,
)

if TYPE_CHECKING:
    from schema.channel import Channel

strawberry.enum(MessageContentType)


def _users(
    reaction: ReactionRecord, context: Context, first: int | None
) -> list[UserRecord] | Awaitable[list[UserRecord]]:
    return context.loaders.user_by_id.get_many(reaction.user_ids[: inputs.first(first)])


def _reaction_users(
    reaction: strawberry.Parent[ReactionRecord], info: Info, first: int | None = 20
) -> list[UserRecord] | Awaitable[list[UserRecord]]:
    return _users(reaction, info.context, first)


def _viewer_has_reacted(reaction: ReactionRecord, context: Context) -> bool | Awaitable[bool]:
    if len(reaction.user_ids) == reaction.count or context.viewer.id in reaction.user_ids:
        return context.viewer.id in reaction.user_ids
    return context.loaders.chosen_by_reaction.get(reaction.key)


@strawberry.type
class Reaction:
    emoji: str
    count: int
    users: list[User] = resolved(_reaction_users, list[User], shared=True, look=_users)
    viewer_has_reacted: bool = viewers_own(_viewer_has_reacted, bool)


def _url(attachment: AttachmentRecord, context: Context) -> str | Awaitable[str]:
    return context.services.objects.link(
        attachment.object_key, attachment.file_name, attachment.mime_type
    )


def _thumbnail_url(attachment: AttachmentRecord, context: Context) -> str | Awaitable[str] | None:
    if attachment.thumbnail_key is None:
        return None
    name = f"{attachment.file_name}.webp"
    return context.services.objects.link(attachment.thumbnail_key, name, "image/webp")


def _uploader(attachment: AttachmentRecord, context: Context) -> UserRecord | Awaitable[UserRecord]:
    return context.loaders.user_by_id.get(attachment.uploader_id)


@strawberry.type
class Attachment:
    id: strawberry.ID
    file_name: str
    file_size: int = strawberry.field(description="Bytes.")
    mime_type: str
    width: int | None
    height: int | None
    duration_seconds: int | None = strawberry.field(description="Seconds, for sound and video.")
    url: str = looked_up(_url, str, "Short-lived signed link.")
    thumbnail_url: str | None = looked_up(
        _thumbnail_url,
        str | None,
        "The same for a WebP of at most 480 by 480 pixels; null for what is not a picture.",
    )
    uploader: User = looked_up(_uploader, User)
    uploaded_at: datetime


def _channel(message: MessageRecord, context: Context) -> ChannelRecord | Awaitable[ChannelRecord]:
    return context.loaders.channel_by_id.get(message.channel_id)


def _sender(message: MessageRecord, context: Context) -> UserRecord | Awaitable[UserRecord]:
    return context.loaders.user_by_id.get(message.sender_id)


def _parent(
    message: MessageRecord, context: Context
) -> MessageRecord | Awaitable[MessageRecord | None] | None:
    if message.parent_id is None:
        return None
    return context.loaders.message_by_id.get(message.parent_id)


async def _replies(
    message: strawberry.Parent[MessageRecord],
    info: Info,
    first: int | None = 50,
    after: str | None = None,
) -> Page[MessageRecord]:
    context = info.context
    page = await history.replies(context.services, message.id, first=first, after=after)
    await context.loaders.prepare(page.nodes, selected(info, "edges", "node"))
    return page


def _mentions(
    message: MessageRecord, context: Context
) -> list[UserRecord] | Awaitable[list[UserRecord]]:
    mentioned = context.loaders.mentions_by_message.get(message.id)
    if isinstance(mentioned, list):
        return context.loaders.user_by_id.get_many(mentioned)
    return context.loaders.users_named(mentioned)


def _attachments(
    message: MessageRecord, context: Context
) -> list[AttachmentRecord] | Awaitable[list[AttachmentRecord]]:
    return context.loaders.attachments_by_message.get(message.id)


def _reactions(
    message: MessageRecord, context: Context
) -> list[ReactionRecord] | Awaitable[list[ReactionRecord]]:
    return context.loaders.reactions_by_message.get(message.id)


def _client_message_id(message: MessageRecord, context: Context) -> str | None:
    return message.client_message_id if message.sender_id == context.viewer.id else None


def _revisions(
    message: MessageRecord, context: Context
) -> list[RevisionRecord] | Awaitable[list[RevisionRecord]]:
    return context.loaders.revisions_by_message.get(message.id)


def _last_reply(
    message: MessageRecord, context: Context
) -> MessageRecord | Awaitable[MessageRecord | None] | None:
    if not message.reply_count:
        return None
    return context.loaders.last_reply_by_message.get(message.id)


def _reader(receipt: ReceiptRecord, context: Context) -> UserRecord | Awaitable[UserRecord]:
    return context.loaders.user_by_id.get(receipt.user_id)


@strawberry.type
class ReadReceipt:
    user: User = looked_up(_reader, User)
    read_at: datetime


async def _read_by(
    message: strawberry.Parent[MessageRecord],
    info: Info,
    first: int | None = 20,
    after: str | None = None,
) -> Receipts:
    told = await info.context.loaders.receipts_by_channel.load(message.channel_id)
    return receipts.read_by(message, told, first=first, after=after)


@strawberry.type
class MessageRevision:
    content: str
    edited_at: datetime


@strawberry.type
class Message:
    id: strawberry.ID
    channel_id: strawberry.ID
    channel: Annotated[Channel, strawberry.lazy("schema.channel")] = looked_up(
        _channel, Annotated["Channel", strawberry.lazy("schema.channel")]
    )
    sender: User = looked_up(_sender, User)
    content: str = strawberry.field(description="Empty once the message is deleted.")
    content_type: MessageContentType
    parent: Message | None = looked_up(
        _parent,
        Annotated["Message", strawberry.lazy("schema.message")] | None,
        "The thread's root, for a reply.",
    )
    reply_count: int
    replies: MessageConnection = resolved(_replies, MessageConnection, shared=True)
    last_reply: Message | None = looked_up(
        _last_reply,
        Annotated["Message", strawberry.lazy("schema.message")] | None,
        "The newest reply that is not deleted.",
    )
    mentions: list[User] = looked_up(_mentions, list[User])
    attachments: list[Attachment] = looked_up(_attachments, list[Attachment])
    reactions: list[Reaction] = looked_up(
        _reactions, list[Reaction], "One entry for each emoji, in the order first used."
    )
    is_pinned: bool
    is_edited: bool
    edited_at: datetime | None
    is_deleted: bool
    revisions: list[MessageRevision] = looked_up(
        _revisions, list[MessageRevision], "Earlier texts, oldest first."
    )
    read_by: ReadReceiptConnection = resolved(
        _read_by,
        ReadReceiptConnection,
        "Members who have read up to this message, the sender left out.",
    )
    client_message_id: str | None = viewers_own(
        _client_message_id,
        str | None,
        "What the sender passed to `sendMessage`; null for everybody else.",
    )
    created_at: datetime
