"""Who is there."""

from datetime import datetime

import strawberry

from storage.records import PresenceStatus

strawberry.enum(PresenceStatus)


@strawberry.type
class Presence:
    status: PresenceStatus
    status_text: str | None
    status_emoji: str | None
    last_seen_at: datetime | None
