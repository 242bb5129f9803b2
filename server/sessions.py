"""Sessions: from a token to the person an operation is done for."""

import asyncio
from dataclasses import dataclass

from resolvers.access import access_channel
from resolvers.rates import Kind
from resolvers.services import Services
from resolvers.viewer import Viewer, sign_in
from server.auth import Authenticator
from storage.errors import ErrorCode, Refusal, unauthenticated

AT_A_STRETCH = 500
"""People who are compared before anything else of this process has its turn."""


Standing = tuple[str | None, bool]
"""A role, and whether it is a client's: those who have the same have the same rights."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A person, and until when their token holds (Unix seconds)."""

    viewer: Viewer
    expires_at: float


class Sessions:
    """Signs people in."""

    def __init__(self, authenticator: Authenticator, services: Services, seconds: float) -> None:
        self._authenticator = authenticator
        self._services = services
        self._seconds = seconds

    async def sign_in(self, token: str) -> SignedIn:
        """Who shows this token. Raises UNAUTHENTICATED, or UNAVAILABLE when nobody can tell."""
        session = await self._authenticator.session(token)
        viewer = await sign_in(self._services, session.user_id, self._seconds)
        return SignedIn(viewer, session.expires_at)

    async def admit(self, token: str | None, address: str) -> SignedIn | None:
        """Who asks; None for who shows no token. Strangers count against the limit of their
        address, and those who show a token that is not valid are strangers as well.

        Raises as ``sign_in`` does, and RATE_LIMITED.
        """
        try:
            if token is not None:
                return await self.sign_in(token)
        except Refusal as refusal:
            if refusal.code is ErrorCode.UNAUTHENTICATED:
                await self.count_stranger(address)
            raise
        await self.count_stranger(address)
        return None

    async def count_stranger(self, address: str) -> None:
        """Somebody at this address did not say who they are. Raises RATE_LIMITED."""
        await self._services.rates.take(Kind.STRANGERS, address)

    def is_worn_out_by(self, address: str) -> bool:
        """Whether nothing is left of the address's limit on strangers."""
        return self._services.rates.is_spent(Kind.STRANGERS, address)

    async def connect(self, token: str | None, address: str) -> SignedIn:
        """Who opens a socket, which counts. Raises as ``admit`` does, and UNAUTHENTICATED for
        who shows no token.
        """
        signed_in = await self.admit(token, address)
        if signed_in is None:
            raise unauthenticated("A socket is opened with a token.")
        await self.count_socket(signed_in.viewer)
        return signed_in

    async def count_socket(self, viewer: Viewer) -> None:
        """They open a socket, or what is used instead of one. Raises RATE_LIMITED."""
        await self._services.rates.take(Kind.SOCKETS, viewer.id)

    def arrived(self, viewer: Viewer, device: object) -> None:
        """Somebody's connection is open, and shows them to be there until it has ``left``."""
        self._services.live.arrived(viewer.id, device)

    def left(self, viewer: Viewer, device: object, *, said_goodbye: bool) -> None:
        """It has ended. Who did not say goodbye may be back in a moment."""
        self._services.live.left(viewer.id, device, said_goodbye=said_goodbye)

    async def changed(self, viewers: list[Viewer]) -> dict[str, Viewer | None]:
        """Of whom among these people the directory says something else now, by id: what it says,
        or None of somebody who may not sign in any more. It is asked once for all. Whom it
        cannot be asked of goes on as before.
        """
        await self._services.profiles.refresh(viewer.id for viewer in viewers)
        found: dict[str, Viewer | None] = {}
        alike: dict[Standing, Viewer] = {}
        for number, viewer in enumerate(viewers):
            if number % AT_A_STRETCH == 0:
                await asyncio.sleep(0)
            if viewer.id in found or self._is_the_same(viewer, alike):
                continue
            try:
                now = await sign_in(self._services, viewer.id, self._seconds)
            except Refusal as refusal:
                if refusal.code is ErrorCode.UNAUTHENTICATED:
                    found[viewer.id] = None
                continue
            alike[now.user.role, now.is_client] = now
            if now != viewer:
                found[viewer.id] = now
        return found

    def _is_the_same(self, viewer: Viewer, alike: dict[Standing, Viewer]) -> bool:
        """Whether the directory, as it was just read, says of somebody what they signed in as:
        the same of them, and of somebody else with their role the same rights.
        """
        user = self._services.profiles.remembered(viewer.id, self._seconds)
        other = alike.get((viewer.user.role, viewer.is_client))
        return user == viewer.user and other is not None and viewer.has_the_rights_of(other)

    async def directory_changed(self, user_ids: set[str | None]) -> None:
        """The directory says something else of these people; None is of roles, so perhaps of
        everybody. What is kept of them is looked up again.
        """
        if user_ids:
            self._services.roster.outdate()
        if None in user_ids:
            self._services.profiles.doubt_roles()
        await self._services.profiles.look_again(id for id in user_ids if id)

    async def may_follow(self, viewer: Viewer, channel_id: str) -> bool:
        """Whether the viewer, with the rights they have now, sees the channel."""
        try:
            services = self._services.seen_by(viewer.sight)
            await access_channel(services.database, viewer, channel_id)
        except Refusal as refusal:
            return refusal.code is not ErrorCode.NOT_FOUND
        return True
