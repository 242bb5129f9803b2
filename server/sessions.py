"""Sessions: from a token to the person an operation is done for."""

from dataclasses import dataclass

from resolvers.access import access_channel
from resolvers.rates import Kind
from resolvers.services import Services
from resolvers.viewer import Viewer, sign_in
from server.auth import Authenticator
from storage.errors import ErrorCode, Refusal, unauthenticated


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

    async def renew(self, viewer: Viewer) -> Viewer:
        """The same person as the directory has them now. Raises as ``sign_in`` does."""
        return await sign_in(self._services, viewer.id, self._seconds)

    async def renew_all(self, viewers: list[Viewer]) -> None:
        """Look these people up again in one query, so that ``renew`` finds them at hand."""
        await self._services.profiles.refresh(viewer.id for viewer in viewers)

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
