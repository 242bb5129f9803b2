"""What happens right now: typing, and subscriptions to a channel."""

from realtime.stream import Stream
from resolvers import policy
from resolvers.access import access_channel, access_channel_to_follow
from resolvers.services import Services
from resolvers.viewer import Viewer
from storage import cursors
from storage.errors import resync_required
from storage.records import Membership


async def set_typing(
    services: Services, viewer: Viewer, channel_id: str, is_typing: bool, device: object
) -> bool:
    """Tell the channel's other readers that the viewer types, or does no longer."""
    access = await access_channel(services.database, viewer, channel_id)
    policy.require_post(viewer, access)
    services.live.typing.tell(access.channel.id, viewer.id, is_typing, device)
    return is_typing


async def follow_channel(
    services: Services, viewer: Viewer, channel_id: str, after: str | None
) -> Stream:
    """Everything that happens in a channel after a cursor, or from now on.

    Raises RESYNC_REQUIRED for a cursor of another epoch or ahead of the log: both come from
    a log that is no longer this one. So does a client's from before they joined: who came
    and went until then is none of their business.
    """
    access = await access_channel_to_follow(services.live, services.database, viewer, channel_id)
    channel = access.channel
    position = channel.position
    if after is not None:
        cursor = cursors.decode_event(channel.id, after, "after")
        if cursor.epoch != channel.epoch or cursor.position > channel.position:
            raise resync_required("This cursor is not of this log; fetch the channel anew.")
        position = cursor.position
        if viewer.is_client and access.member and position < access.member.joined_position:
            raise resync_required("You were not in this channel then; fetch it anew.")
    return stream(services, viewer, access, position)


def stream(
    services: Services,
    viewer: Viewer,
    access: Membership,
    position: int,
    *,
    follows_markers: bool = False,
) -> Stream:
    """A subscription to a channel that the viewer was given, from after a position on."""
    return services.live.stream(
        access.channel,
        viewer.id,
        position=position,
        is_guest=access.member is None,
        follows_markers=follows_markers,
    )
