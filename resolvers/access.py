"""The only way to get at a channel or a message: as somebody who may see it.

What does not exist and what the viewer may not see are refused in the same
words, so that nobody can tell one from the other. Who sees a channel by power
alone may only look, and each look is written down before it is answered.
"""

from realtime.live import Live
from resolvers import policy
from resolvers.viewer import Viewer
from storage import audits, channels, ids, messages, uploads
from storage.audits import Look
from storage.errors import not_found
from storage.postgres import Connection, Transaction
from storage.records import Membership, MessageRecord, UploadRecord


async def access_channel(connection: Connection, viewer: Viewer, channel_id: str) -> Membership:
    """The channel and the viewer's place in it. Raises NOT_FOUND."""
    access = await _channel(connection, viewer, channel_id)
    await _record(connection, viewer, access, Look.READ_CHANNEL)
    return access


async def access_channel_to_follow(
    live: Live, connection: Connection, viewer: Viewer, channel_id: str
) -> Membership:
    """The same, read together with others who come at the same time."""
    own = ids.own_id(channel_id)
    access = _seen(viewer, await live.arrivals.membership(own, viewer.id) if own else None)
    await _record(connection, viewer, access, Look.FOLLOW_CHANNEL)
    return access


async def access_channel_to_write(
    transaction: Transaction, viewer: Viewer, channel_id: str
) -> Membership:
    """The same under the channel's lock: what is read here holds until the transaction ends.

    Raises FORBIDDEN for who may only look.
    """
    own = ids.own_id(channel_id)
    is_locked = own is not None and await channels.lock(transaction, own)
    access = await _channel(transaction, viewer, channel_id)
    policy.require_more_than_power(viewer, access)
    if not is_locked:
        # Made, or shown to the viewer, in this very moment.
        raise not_found("channel", "channelId")
    return access


async def access_message(
    connection: Connection, viewer: Viewer, message_id: str
) -> tuple[MessageRecord, Membership]:
    """The message, its channel and the viewer's place there. Raises NOT_FOUND."""
    message, access = await _message(connection, viewer, message_id)
    await _record(connection, viewer, access, Look.READ_MESSAGE, message.id)
    return message, access


async def access_message_to_write(
    transaction: Transaction, viewer: Viewer, message_id: str
) -> tuple[MessageRecord, Membership]:
    """The same under the lock of the message's channel. Raises FORBIDDEN for who may only look."""
    message, access = await _message(transaction, viewer, message_id)
    policy.require_more_than_power(viewer, access)
    await channels.lock(transaction, message.channel_id)
    return await _message(transaction, viewer, message_id)


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


async def _channel(connection: Connection, viewer: Viewer, channel_id: str) -> Membership:
    own = ids.own_id(channel_id)
    return _seen(viewer, await channels.membership(connection, own, viewer.id) if own else None)


def _seen(viewer: Viewer, access: Membership | None) -> Membership:
    if access is None or not policy.sees(viewer, access):
        raise not_found("channel", "channelId")
    return access


async def _message(
    connection: Connection, viewer: Viewer, message_id: str
) -> tuple[MessageRecord, Membership]:
    own = ids.own_id(message_id)
    message = await messages.get(connection, own) if own else None
    access = message and await channels.membership(connection, message.channel_id, viewer.id)
    if not message or not access or not policy.sees(viewer, access):
        raise not_found("message", "messageId")
    return message, access


async def _record(
    connection: Connection,
    viewer: Viewer,
    access: Membership,
    look: Look,
    message_id: str | None = None,
) -> None:
    if policy.sees_by_power_alone(viewer, access):
        channel_id = access.channel.id
        await audits.record(
            connection, viewer.id, look, channel_id=channel_id, message_id=message_id
        )
