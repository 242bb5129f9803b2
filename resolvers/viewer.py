"""The viewer: the signed-in person an operation is done for, and what the ERP lets them do."""

import asyncio
from dataclasses import dataclass

from resolvers import policy
from resolvers.services import Services
from storage.errors import ErrorCode, Refusal, unauthenticated
from storage.records import UserRecord
from storage.sight import Sight, Standing

OUTAGE_SECONDS = 900.0
"""While MongoDB is out of reach: how long somebody who was seen to be active may go on."""

PATIENCE_SECONDS = 0.3
"""How long somebody who was seen lately waits for MongoDB to say the same of them again."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """A person who exists, is active, and has shown a valid token."""

    user: UserRecord
    permissions: frozenset[str] = frozenset()
    is_super_admin: bool = False
    reads_everything: bool = False
    """A super admin where the operator lets them read what they are not in."""

    @property
    def id(self) -> str:
        """Their directory id."""
        return self.user.id

    @property
    def is_client(self) -> bool:
        """A customer: sees only the channels they are in, and the people in those."""
        return self.user.is_client

    @property
    def sight(self) -> Sight:
        """What PostgreSQL has to know of them, whose policies say the same as ``policy.sees``."""
        return Sight(self.id, self.user.department_id or "", self._standing)

    @property
    def _standing(self) -> Standing:
        if self.is_client:
            return Standing.CLIENT
        if self.reads_everything:
            return Standing.AUDITOR
        return Standing.SUPER_ADMIN if self.is_super_admin else Standing.INTERNAL

    def has_the_rights_of(self, other: "Viewer") -> bool:
        """Whether what follows from the role is the same for both."""
        return (
            self.permissions == other.permissions
            and self.is_super_admin == other.is_super_admin
            and self.reads_everything == other.reads_everything
        )

    def may(self, permission: str) -> bool:
        """Whether the ERP's role allows ``resource:action``."""
        return self.is_super_admin or permission in self.permissions


async def sign_in(services: Services, user_id: str, seconds: float) -> Viewer:
    """The person behind a valid token, as the directory had them at most ``seconds`` ago.

    Raises UNAUTHENTICATED for somebody who is not there or not active, and
    UNAVAILABLE when the directory cannot say and this process has not seen
    them lately: nobody new is let in unseen.
    """
    user = services.profiles.remembered(user_id, seconds)
    if user is None:
        user = await _looked_up(services, user_id, seconds)
    if user is None or not user.is_active:
        raise unauthenticated("This person may not sign in.")
    return await _with_role(services, user)


async def _looked_up(services: Services, user_id: str, seconds: float) -> UserRecord | None:
    known = services.profiles.remembered(user_id, OUTAGE_SECONDS)
    try:
        # Who is known does not wait for a directory that may be about to be found silent; what
        # it says later counts for what they do next.
        async with asyncio.timeout(PATIENCE_SECONDS if known else None):
            return (await services.profiles.confirmed([user_id], seconds)).get(user_id)
    except TimeoutError:
        return known
    except Refusal as refusal:
        if refusal.code is not ErrorCode.UNAVAILABLE or known is None:
            raise
        return known


async def _with_role(services: Services, user: UserRecord) -> Viewer:
    if user.is_client:
        return Viewer(user)
    rules = services.rules
    role = await services.profiles.role(user.role) if user.role is not None else None
    is_super_admin = role is not None and role.name == rules.super_admin_role
    return Viewer(
        user,
        policy.granted(rules, role.permissions if role else frozenset()),
        is_super_admin,
        is_super_admin and rules.super_admin_reads_everything,
    )
