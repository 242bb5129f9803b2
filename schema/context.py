"""What one operation carries along."""

from dataclasses import dataclass, field

import strawberry

from loaders.batches import Loaders
from resolvers.services import Services
from resolvers.viewer import Viewer
from storage.errors import unauthenticated


@dataclass(slots=True)
class Context:
    """One operation's own: a socket makes a new one for each, and so does each event."""

    services: Services
    signed_in: Viewer | None
    loaders: Loaders
    selections: dict[int, frozenset[str]] = field(default_factory=dict)
    """What the document selects below a field, by the identity of its first node."""

    @property
    def viewer(self) -> Viewer:
        """Whom the operation is for. Raises UNAUTHENTICATED when nobody is signed in."""
        if self.signed_in is None:
            raise unauthenticated("Sign in: this needs an Authorization token.")
        return self.signed_in


def new_context(
    services: Services,
    viewer: Viewer | None,
    selections: dict[int, frozenset[str]] | None = None,
) -> Context:
    """A context with loaders that have not read anything yet."""
    loaders = Loaders(services.database, services.profiles, viewer.id if viewer else "")
    return Context(services, viewer, loaders, {} if selections is None else selections)


Info = strawberry.Info[Context, None]
