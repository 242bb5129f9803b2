"""How far the viewer has read."""

from resolvers import policy
from resolvers.access import access_channel
from resolvers.services import Services
from resolvers.viewer import Viewer
from storage import ids, members, messages
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
        await members.mark_read(transaction, access.channel.id, viewer.id, own)
        return await access_channel(transaction, viewer, access.channel.id)
