"""What one operation carries along."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

import strawberry

from loaders.batches import Loaders
from resolvers.services import Services
from resolvers.viewer import Viewer
from storage.errors import unauthenticated
from storage.records import UserRecord

K = TypeVar("K")
V = TypeVar("V")

Renew = Callable[[str], Awaitable[datetime]]
"""From a fresh token to until when it holds. Raises UNAUTHENTICATED or FORBIDDEN."""


MEMO_ENTRIES = 1_000


class _Kept(dict[K, V]):
    """Begins anew when it is full: variables that switch fields on and off make a few nodes
    come in any number of combinations.
    """

    def __setitem__(self, key: K, value: V) -> None:
        if len(self) >= MEMO_ENTRIES:
            self.clear()
        super().__setitem__(key, value)


@dataclass(slots=True)
class Memo:
    """What was found out about a document while it was run, for the next time it is.

    Keys are identities of its nodes, so it must not outlive the document.
    """

    selections: dict[tuple[int | str, ...], frozenset[str]] = field(default_factory=_Kept)
    """What is selected below a field; see ``schema.fields.selected``."""
    plans: dict[tuple[int, ...], Any] = field(default_factory=_Kept)
    """How to fill in a field; see ``schema.executor``."""


@dataclass(slots=True)
class Context:
    """One operation's own: a socket makes a new one for each, and so does each event."""

    services: Services
    signed_in: Viewer | None
    loaders: Loaders
    memo: Memo
    renew: Renew | None = None
    """Gives the connection this came by a fresh token; None where a token is sent each time."""
    last_event_id: str | None = None
    """Where to go on, said by the transport; it is later than what the document says."""
    fields: frozenset[str] = frozenset()
    """Every field's name that occurs anywhere in the document."""
    device: object = None
    """The connection this came by; None for a request of its own."""

    @property
    def viewer(self) -> Viewer:
        """Whom the operation is for. Raises UNAUTHENTICATED when nobody is signed in."""
        if self.signed_in is None:
            raise unauthenticated("Sign in: this needs an Authorization token.")
        return self.signed_in

    def knows(self, user_id: str) -> bool:
        """Whether the viewer knows somebody wherever they are: people inside know everybody, and
        a client themself.
        """
        viewer = self.signed_in
        return viewer is None or not viewer.is_client or viewer.id == user_id

    def acquaintance(self, user_id: str) -> UserRecord | Awaitable[UserRecord | None] | None:
        """Somebody who need not be in the channel they are named in: nobody to a client who
        shares none with them.
        """
        if self.knows(user_id):
            return self.loaders.user_by_id.get(user_id)
        return self.loaders.companion_by_id.get(user_id)

    def forget(self) -> None:
        """Read anew from here on: a mutation has changed what was read for the one before it."""
        self.loaders = new_loaders(self.services, self.signed_in, self.fields)


def new_loaders(services: Services, viewer: Viewer | None, fields: frozenset[str]) -> Loaders:
    """Loaders that have not read anything yet."""
    return Loaders(
        services.database,
        services.profiles,
        viewer.id if viewer else "",
        is_client=viewer is not None and viewer.is_client,
        with_presence="presence" in fields,
        receipt_members=services.rules.receipt_members,
    )


def new_context(
    services: Services,
    viewer: Viewer | None,
    memo: Memo | None = None,
    renew: Renew | None = None,
    fields: frozenset[str] = frozenset(),
    *,
    last_event_id: str | None = None,
    device: object = None,
) -> Context:
    """A context with loaders that have not read anything yet."""
    loaders = new_loaders(services, viewer, fields)
    return Context(services, viewer, loaders, memo or Memo(), renew, last_event_id, fields, device)


Info = strawberry.Info[Context, None]
