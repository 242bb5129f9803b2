"""Presence: who is there, as they are or as they choose to be shown."""

from datetime import datetime

from realtime.watches import Watch
from resolvers import inputs
from resolvers.services import Services
from resolvers.viewer import OUTAGE_SECONDS, Viewer
from storage import ids, presences
from storage.errors import bad_input
from storage.records import PresenceRecord, PresenceStatus

MAX_STATUS = 100
"""Characters."""

PER_DEVICE = (PresenceStatus.ONLINE, PresenceStatus.AWAY)
"""What a device that stays connected says of itself, and not of the person."""


async def set_presence(
    services: Services, viewer: Viewer, status: PresenceStatus, device: object
) -> PresenceRecord:
    """A sign of life, and how the viewer wants to be shown from here on.

    ``AWAY`` by a connection is about that device; another one may be more
    present. Whatever comes without one, and ``BUSY`` and ``OFFLINE`` by any, is the
    person's choice, which lasts until ``ONLINE`` takes it back.
    """
    live = services.live
    is_away = status == PresenceStatus.AWAY
    of_device = status in PER_DEVICE and await live.presence.call_away(viewer.id, device, is_away)
    chosen = PresenceStatus.ONLINE if of_device else status
    changed = await presences.choose(live.database, viewer.id, chosen)
    if not of_device:
        await live.presence.beat(viewer.id)
    if changed:
        live.presence.tell(viewer.id)
    return await own(services, viewer)


async def set_status(
    services: Services,
    viewer: Viewer,
    *,
    text: str | None,
    emoji: str | None,
    expires_at: datetime | None,
) -> PresenceRecord:
    """What the viewer says of themselves, until then; nothing takes back what they said."""
    text = inputs.optional_text(text, "text", longest=MAX_STATUS)
    emoji = inputs.reaction(emoji) if emoji else None
    ends_at = expires_at if text or emoji else None
    if not await presences.say(
        services.live.database, viewer.id, text=text, emoji=emoji, ends_at=ends_at
    ):
        raise bad_input("expiresAt", "This must be in the future.")
    services.live.presence.tell(viewer.id)
    return await own(services, viewer)


async def own(services: Services, viewer: Viewer) -> PresenceRecord:
    """How the viewer is shown."""
    return (await presences.read(services.live.database, [viewer.id]))[viewer.id]


def follow(services: Services, viewer: Viewer, user_ids: list[str]) -> Watch:
    """Every change of these people's presence, of those the viewer may see.

    Somebody the viewer may not see, or who does not exist, is never heard of.
    """
    if len(user_ids) > inputs.MAX_IDS:
        raise bad_input("userIds", f"This must not have more than {inputs.MAX_IDS:,} entries.")
    wanted = dict.fromkeys(id for value in user_ids if (id := ids.user_id(value)))

    def is_client() -> bool:
        now = services.profiles.remembered(viewer.id, OUTAGE_SECONDS)
        return now.is_client if now else viewer.is_client

    return services.live.watch(viewer.id, list(wanted), is_client)
