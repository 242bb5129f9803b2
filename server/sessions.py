"""Sessions: from a token to the person an operation is done for."""

from dataclasses import dataclass

from resolvers.services import Services
from resolvers.viewer import Viewer, sign_in
from server.auth import Authenticator


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

    async def renew(self, viewer: Viewer) -> Viewer:
        """The same person as the directory has them now. Raises as ``sign_in`` does."""
        return await sign_in(self._services, viewer.id, self._seconds)

    async def renew_all(self, viewers: list[Viewer]) -> None:
        """Look these people up again in one query, so that ``renew`` finds them at hand."""
        await self._services.profiles.refresh(viewer.id for viewer in viewers)
