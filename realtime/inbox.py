"""An inbox: one operation that follows its viewer's sidebar, and what it is told."""

import asyncio
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Protocol

from realtime.source import Render, Sink, Source
from storage.records import PlaceRecord, UnreadTotal


class Reading:
    """Changes that were read together, so that what it takes to tell of them is, too."""


@dataclass(frozen=True, slots=True)
class InboxSnapshot:
    """The whole sidebar, the latest activity first."""

    places: list[PlaceRecord]
    unread: UnreadTotal
    reading: Reading


@dataclass(frozen=True, slots=True)
class InboxChannelChanged:
    """A channel that is new in the sidebar, or is shown otherwise than before."""

    place: PlaceRecord
    unread: UnreadTotal
    reading: Reading


@dataclass(frozen=True, slots=True)
class InboxChannelRemoved:
    """A channel that is in the sidebar no longer."""

    channel_id: str
    unread: UnreadTotal
    reading: Reading


InboxSignal = InboxSnapshot | InboxChannelChanged | InboxChannelRemoved


class Host(Protocol):
    """Who keeps the inboxes of a process."""

    def admit(self, inbox: "Inbox") -> None:
        """Send it the snapshot soon, and then every change."""

    def leave(self, inbox: "Inbox") -> None:
        """Send it nothing more."""


class Inbox(Source):
    """One operation that follows the viewer's sidebar."""

    def __init__(self, host: Host, viewer_id: str, *, hears_reactions: bool) -> None:
        self._host = host
        self.viewer_id = viewer_id
        self.hears_reactions = hears_reactions
        """Whether it asks for something that reactions change."""
        self.cohort_key: Hashable = None
        self.render: Render
        self.sink: Sink
        self.admitted: asyncio.Future[None]

    async def run(self, cohort_key: Hashable, render: Render, sink: Sink) -> None:
        """Deliver the snapshot; every change follows until ``close``. Raises UNAVAILABLE."""
        self.cohort_key, self.render, self.sink = cohort_key, render, sink
        self.admitted = asyncio.get_running_loop().create_future()
        self._host.admit(self)
        try:
            await self.admitted
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """See ``Source``."""
        self._host.leave(self)
