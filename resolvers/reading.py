"""How far the viewer has read."""

from resolvers import policy
from resolvers.access import access_channel, access_message
from resolvers.services import Services
from resolvers.viewer import Viewer
from storage import ids, messages, reading
from storage.errors import not_found
from storage.records import Membership


async def mark_read(
    services: Services, viewer: Viewer, channel_id: str, message_id: str | None
) -> Membership:
    """Everything up to the message is read; without one, everything. Never moves back."""
    async with services.database.transaction() as transaction:
        access = await access_channel(transaction, viewer, channel_id)
        policy.require_member(access)
        own = None
        if message_id is not None:
            own = ids.own_id(message_id)
            message = await messages.get(transaction, own) if own else None
            if message is None or message.channel_id != access.channel.id:
                raise not_found("message", "messageId")
        is_new = await reading.mark_read(transaction, access.channel.id, viewer.id, own)
        access = await access_channel(transaction, viewer, access.channel.id)
    if is_new:
        services.live.markers.tell(access.channel.id, viewer.id, access.channel.member_count)
    return access


async def mark_unread(services: Services, viewer: Viewer, message_id: str) -> Membership:
    """The message and what follows it are unread again, a reply's place being its own in the
    channel. What was said before the viewer joined stays read.
    """
    async with services.database.transaction() as transaction:
        message, access = await access_message(transaction, viewer, message_id)
        policy.require_member(access)
        await reading.mark_unread(transaction, access.channel.id, viewer.id, message.id)
        return await access_channel(transaction, viewer, access.channel.id)
