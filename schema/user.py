"""People."""

from __future__ import annotations

from collections.abc import Awaitable

import strawberry

from schema.context import Context
from schema.fields import same_inside
from schema.presence import Presence
from storage.records import PresenceRecord, UserRecord


def _presence(user: UserRecord, context: Context) -> PresenceRecord | Awaitable[PresenceRecord]:
    return context.loaders.presence_by_user.get(user.id)


@strawberry.type(
    description="A person of the host application, looked up in its MongoDB directory."
)
class User:
    id: strawberry.ID = strawberry.field(
        description="The directory's own id: the 24 hex digits of the ObjectId."
    )
    name: str
    email: str | None
    avatar_url: str | None
    is_client: bool = strawberry.field(
        description="True for a customer: sees only the channels they are in and the people in "
        "them."
    )
    is_active: bool = strawberry.field(
        description="False once the directory no longer has this person, or has them disabled."
    )
    presence: Presence = same_inside(_presence, Presence)
