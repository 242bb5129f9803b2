"""The only way to get at a channel or a message: as somebody who may see it.

What does not exist and what the viewer may not see are refused in the same
words, so that nobody can tell one from the other.
"""

from realtime.live import Live
from resolvers import policy
from resolvers.viewer import Viewer
from storage import channels, ids, messages, uploads
from storage.errors import not_found
from storage.postgres import Connection, Transaction
from storage.records import Membership, MessageRecord, UploadRecord


async def access_channel(connection: Connection, viewer: Viewer, channel_id: str) -> Membership:
    """The channel and the viewer's place in it. Raises NOT_FOUND."""
    own = ids.own_id(channel_id)
    return _seen(viewer, await channels.membership(connection, own, viewer.id) if own else None)


async def access_channel_to_follow(live: Live, viewer: Viewer, channel_id: str) -> Membership:
    """The same, read together with others who come at the same time."""
    own = ids.own_id(channel_id)
    return _seen(viewer, await live.arrivals.membership(own, viewer.id) if own else None)


def _seen(viewer: Viewer, access: Membership | None) -> Membership:
    if access is None or not policy.sees(viewer, access):
        raise not_found("channel", "channelId")
    return access


async def access_channel_to_write(
    transaction: Transaction, viewer: Viewer, channel_id: str
) -> Membership:
    """The same under the channel's lock: what is read here holds until the transaction ends."""
    own = ids.own_id(channel_id)
    if own is None or not await channels.lock(transaction, own):
        raise not_found("channel", "channelId")
    return await access_channel(transaction, viewer, own)


async def access_message(
    connection: Connection, viewer: Viewer, message_id: str
) -> tuple[MessageRecord, Membership]:
    """The message, its channel and the viewer's place there. Raises NOT_FOUND."""
    own = ids.own_id(message_id)
    message = await messages.get(connection, own) if own else None
    access = message and await channels.membership(connection, message.channel_id, viewer.id)
    if not message or not access or not policy.sees(viewer, access):
        raise not_found("message", "messageId")
    return message, access


async def access_message_to_write(
    transaction: Transaction, viewer: Viewer, message_id: str
) -> tuple[MessageRecord, Membership]:
    """The same under the lock of the message's channel."""
    message, _ = await access_message(transaction, viewer, message_id)
    await channels.lock(transaction, message.channel_id)
    return await access_message(transaction, viewer, message_id)


async def access_upload(
    connection: Connection, viewer: Viewer, upload_id: str
) -> tuple[UploadRecord, Membership]:
    """The viewer's own upload, and its channel, which they must still see. Raises NOT_FOUND."""
    own = ids.own_id(upload_id)
    upload = await uploads.get(connection, own, viewer.id) if own else None
    access = upload and await channels.membership(connection, upload.channel_id, viewer.id)
    if not upload or not access or not policy.sees(viewer, access):
        raise not_found("upload", "attachmentId")
    return upload, access
