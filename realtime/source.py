"""Where a subscription's results come from."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Protocol, Self

from storage.errors import Refusal

Together = dict[Any, Any]
"""What has been read for one signal, kept for all who are told of it at the same time."""

Rendered = bytes | Awaitable[bytes | None] | None
"""Bytes, or the promise of them: what needs not be waited for is there at once."""

Render = Callable[[Any, Together], Rendered]
"""Turns a signal into the bytes a cohort is sent; None when the cohort does not want it.
The promise raises UNAVAILABLE when it cannot be done now."""


async def settled(rendered: Rendered) -> bytes | None:
    """The bytes, when they are there. Raises UNAVAILABLE."""
    return rendered if rendered is None or isinstance(rendered, bytes) else await rendered


class Sink(Protocol):
    """Where a subscriber's bytes go. ``send`` and ``end`` return at once and never raise."""

    def send(self, payload: bytes, signal: object) -> None:
        """One result, and what it tells of."""

    def end(self, reason: Refusal) -> None:
        """No further results, and why."""

    async def ready(self) -> None:
        """Return when what was sent has mostly been taken: for those who send a lot at once."""


class Source(ABC):
    """What one operation follows.

    It is also an async iterator, because GraphQL asks subscriptions for one;
    nothing ever comes out of it that way. ``run`` delivers to a sink instead.
    """

    cursor: str | None = None
    """Where it begins, if it can be gone on with: nothing up to there is delivered."""

    @property
    def looks_on_at(self) -> str | None:
        """The channel that is followed without its viewer being a member."""
        return None

    @abstractmethod
    async def run(self, cohort_key: Hashable, render: Render, sink: Sink) -> None:
        """Deliver what is due at the beginning; delivery goes on until ``close``."""

    @abstractmethod
    def close(self) -> None:
        """Stop delivering, at once."""

    def __aiter__(self) -> Self:
        """See the class."""
        return self

    async def __anext__(self) -> object:
        """See the class."""
        raise StopAsyncIteration
