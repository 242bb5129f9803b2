"""What the viewer wants of a channel: to hear of it or not, and to have it at the top."""

from resolvers import policy
from resolvers.access import access_channel
from resolvers.services import Services
from resolvers.viewer import Viewer
from storage import members
from storage.records import Membership, NotificationLevel


async def update_channel_preferences(
    services: Services,
    viewer: Viewer,
    channel_id: str,
    *,
    is_muted: bool | None,
    is_pinned: bool | None,
    notification_level: NotificationLevel | None,
) -> Membership:
    """Set what the viewer wants of a channel they are in; None leaves it as it is."""
    async with services.database.transaction() as transaction:
        access = await access_channel(transaction, viewer, channel_id)
        policy.require_member(access)
        await members.set_preferences(
            transaction,
            access.channel.id,
            viewer.id,
            is_muted=is_muted,
            is_pinned=is_pinned,
            notification_level=notification_level,
        )
        return await access_channel(transaction, viewer, access.channel.id)
