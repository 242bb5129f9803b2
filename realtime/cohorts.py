"""Cohorts: those whose operations ask for the same in the same words.

An event is rendered once for a cohort, and the same bytes go to everybody in it.
"""

import asyncio
from collections import OrderedDict

import structlog

from realtime.source import Render, Rendered, Sink, Together
from storage.errors import forbidden, resync_required
from storage.events import Typed
from storage.records import EventKind, EventRecord, MarkerMoved

RENDERED_KEPT = 256
"""How many events a cohort remembers rendered while somebody is catching up: thousands who
come back after a restart are sent the same ones. When everybody is live, none."""

Signal = EventRecord | Typed | MarkerMoved

log = structlog.get_logger(__name__)


class Cohort:
    """Subscribers who are sent the same bytes."""

    def __init__(self, render: Render) -> None:
        self._render = render
        self._rendered: OrderedDict[EventRecord, bytes | asyncio.Future[bytes | None] | None] = (
            OrderedDict()
        )
        self.subscribers: set[Subscriber] = set()
        self.follows_markers = False
        """Whether they are told how far others have read."""

    def payload(self, signal: Signal, together: Together) -> Rendered:
        """The bytes for a signal; rendered once, however many ask and whenever.

        The event as a whole tells them apart, not its position: somebody who read
        the log before a message was deleted may ask for it as it was then.
        """
        if not isinstance(signal, EventRecord):
            return self._render(signal, together)
        if signal in self._rendered:
            rendered = self._rendered[signal]
        else:
            found = self._render(signal, together)
            if found is not None and not isinstance(found, bytes):
                found = asyncio.ensure_future(found)
            rendered = self._rendered[signal] = found
            if len(self._rendered) > RENDERED_KEPT:
                self._rendered.popitem(last=False)
        if rendered is None or isinstance(rendered, bytes):
            return rendered
        return self._promised(signal, rendered)

    async def _promised(
        self, signal: EventRecord, rendered: asyncio.Future[bytes | None]
    ) -> bytes | None:
        try:
            return await asyncio.shield(rendered)
        except Exception:
            # Perhaps only a server was out of reach for a moment.
            if self._rendered.get(signal) is rendered:
                del self._rendered[signal]
            raise

    def forget(self) -> None:
        """Render anew from here on: a message was changed, or nobody needs what is kept."""
        self._rendered.clear()


class Subscriber:
    """One operation's place in a topic."""

    __slots__ = ("cohort", "granted_at", "is_guest", "position", "sink", "viewer_id")

    def __init__(
        self,
        viewer_id: str,
        cohort: Cohort,
        sink: Sink,
        *,
        position: int,
        granted_at: int,
        is_guest: bool,
    ) -> None:
        self.viewer_id = viewer_id
        self.cohort = cohort
        self.sink = sink
        self.position = position
        """The last event this subscriber was given or did not want."""
        self.granted_at = granted_at
        """The channel's position when its right to read was checked."""
        self.is_guest = is_guest
        """Reads a public channel without being a member."""

    def offer(self, signal: Signal, payload: bytes | None) -> bool:
        """Take a signal unless it was taken already; False when it is the last one."""
        if not isinstance(signal, EventRecord):
            if payload is not None and signal.concerns(self.viewer_id):
                self.sink.send(payload, signal)
            return True
        if signal.position <= self.position:
            return True
        if signal.position != self.position + 1:
            log.error("hub.gap", channel_id=signal.channel_id, position=signal.position)
            self.sink.end(resync_required("Events of this channel are missing; fetch it anew."))
            return False
        self.position = signal.position
        if payload is not None:
            self.sink.send(payload, signal)
        return signal.kind not in _ACCESS_EVENTS or self._still_granted(signal)

    def _still_granted(self, event: EventRecord) -> bool:
        if event.position <= self.granted_at:
            # History: the right to read was checked later than this.
            return True
        if event.user_id == self.viewer_id:
            if event.kind == EventKind.MEMBER_JOINED:
                self.is_guest = False
            lost = event.kind == EventKind.MEMBER_LEFT
        else:
            lost = self.is_guest and event.detail == "private"
        if lost:
            self.sink.end(forbidden("You may not read this channel any more."))
        return not lost


_ACCESS_EVENTS = frozenset(
    {EventKind.MEMBER_LEFT, EventKind.MEMBER_JOINED, EventKind.CHANNEL_UPDATED}
)
