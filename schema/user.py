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


def _email(user: UserRecord, context: Context) -> str | Awaitable[str | None] | None:
    """To a client, of those in a channel with them now: where somebody has written, and is no
    more, their name stands and nothing by which to reach them.
    """
    if user.email is None or context.knows(user.id):
        return user.email
    known = context.loaders.companion_by_id.get(user.id)
    if isinstance(known, UserRecord):
        return known.email
    return None if known is None else _address(known)


async def _address(promise: Awaitable[UserRecord | None]) -> str | None:
    known = await promise
    return known and known.email


@strawberry.type(
    description="A person of the host application, looked up in its MongoDB directory."
)
class User:
    id: strawberry.ID = strawberry.field(
        description="The directory's own id: the 24 hex digits of the ObjectId."
    )
    name: str
    email: str | None = same_inside(_email, str | None)
    avatar_url: str | None
    is_client: bool = strawberry.field(
        description="True for a customer: sees only the channels they are in and the people in "
        "them."
    )
    is_active: bool = strawberry.field(
        description="False once the directory no longer has this person, or has them disabled."
    )
    presence: Presence = same_inside(_presence, Presence)
