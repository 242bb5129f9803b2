"""The hub: who in this process listens to which channel.

A topic is a channel with at least one subscriber here. Its subscribers stand
in cohorts: those whose operations ask for the same in the same words, so that
an event is rendered once for each cohort and the same bytes go to everybody in
it. Authorization stays each subscriber's own.

What the hub guarantees to a subscriber: the events of the log, in order, each
once, with consecutive positions, from the one after the position it joined at;
none after the one by which it lost the channel. It knows nothing of GraphQL,
sockets or SQL.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Hashable, Iterable

import structlog

from realtime.source import Render, Sink
from storage.errors import ErrorCode, Refusal, forbidden, resync_required
from storage.events import Typed
from storage.records import EventKind, EventRecord, MarkerMoved

RENDERED_KEPT = 256
"""How many events a cohort remembers rendered while somebody is catching up: thousands who
come back after a restart are sent the same ones. When everybody is live, none."""

RETRY_SECONDS = 0.1

Signal = EventRecord | Typed | MarkerMoved

log = structlog.get_logger(__name__)


class Cohort:
    """Subscribers who are sent the same bytes."""

    def __init__(self, render: Render) -> None:
        self._render = render
        self._rendered: OrderedDict[EventRecord, asyncio.Future[bytes | None]] = OrderedDict()
        self.subscribers: set[Subscriber] = set()
        self.follows_markers = False
        """Whether they are told how far others have read."""

    async def payload(self, signal: Signal) -> bytes | None:
        """The bytes for a signal; rendered once, however many ask and whenever.

        The event as a whole tells them apart, not its position: somebody who read
        the log before a message was deleted may ask for it as it was then.
        """
        if not isinstance(signal, EventRecord):
            return await self._render(signal)
        rendered = self._rendered.get(signal)
        if rendered is None:
            rendered = asyncio.ensure_future(self._render(signal))
            self._rendered[signal] = rendered
            if len(self._rendered) > RENDERED_KEPT:
                self._rendered.popitem(last=False)
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


class Topic:
    """A channel that somebody here listens to."""

    def __init__(self, channel_id: str) -> None:
        self.channel_id = channel_id
        self.epoch: int | None = None
        """Which log it is; None until the first subscriber comes."""
        self.position: int | None = None
        """The newest event given to the cohorts; None until the first subscriber has caught up."""
        self.hinted = 0
        """The newest position that a hint spoke of; hints may lie."""
        self.waiting = 0
        """Subscribers that are still catching up."""
        self.cohorts: dict[Hashable, Cohort] = {}
        self._queue: deque[Signal] = deque()
        self._pump: asyncio.Task[None] | None = None

    @property
    def follows_markers(self) -> bool:
        """Whether anybody here is told how far others have read."""
        return any(cohort.follows_markers for cohort in self.cohorts.values())

    @property
    def fed(self) -> int | None:
        """The newest position that is queued or given out."""
        for signal in reversed(self._queue):
            if isinstance(signal, EventRecord):
                return signal.position
        return self.position

    def cohort(self, key: Hashable, render: Render) -> Cohort:
        """The cohort of this key, made when there is none."""
        found = self.cohorts.get(key)
        if found is None:
            found = self.cohorts[key] = Cohort(render)
        return found

    def begin(self, epoch: int) -> None:
        """From here on this is the log of this epoch; subscribers of another start anew."""
        if self.epoch is not None and self.epoch != epoch:
            self.position = None
            self._queue.clear()
            for cohort in self.cohorts.values():
                cohort.forget()
                for subscriber in list(cohort.subscribers):
                    subscriber.sink.end(resync_required("The log of this channel is another one."))
                cohort.subscribers.clear()
        self.epoch = epoch

    def feed(self, signals: Iterable[Signal]) -> None:
        """Queue signals, in order; they are given out in that order."""
        self._queue.extend(signals)
        if self._queue and self._pump is None:
            self._pump = asyncio.ensure_future(self._give_out())

    async def _give_out(self) -> None:
        try:
            while self._queue:
                await self._publish(self._queue.popleft())
        finally:
            self._pump = None

    async def _publish(self, signal: Signal) -> None:
        if isinstance(signal, EventRecord):
            # Before anything is awaited: whoever finishes catching up during the
            # rendering must find out here that there is one more to read.
            self.position = signal.position
            if signal.kind in (EventKind.MESSAGE_EDITED, EventKind.MESSAGE_DELETED):
                for cohort in self.cohorts.values():
                    cohort.forget()
        for cohort in [cohort for cohort in self.cohorts.values() if cohort.subscribers]:
            try:
                payload = await _rendered(cohort, signal)
            except Exception:
                # A bug in one document's rendering must not stop the channel for
                # the others; those it concerns are told to start again.
                log.exception("hub.render", channel_id=self.channel_id)
                for subscriber in list(cohort.subscribers):
                    subscriber.sink.end(resync_required("This event could not be delivered."))
                cohort.subscribers.clear()
                continue
            for subscriber in list(cohort.subscribers):
                if not subscriber.offer(signal, payload):
                    cohort.subscribers.discard(subscriber)
            if not self.waiting:
                cohort.forget()


async def _rendered(cohort: Cohort, signal: Signal) -> bytes | None:
    """The bytes for a signal, when the servers they are made from can be reached again.

    Nothing but waiting keeps the order: what comes later cannot be told before this.
    """
    while True:
        try:
            return await cohort.payload(signal)
        except Refusal as refusal:
            if refusal.code is not ErrorCode.UNAVAILABLE or not cohort.subscribers:
                raise
            log.warning("hub.waits", service=refusal.service)
        await asyncio.sleep(RETRY_SECONDS)


class Hub:
    """All topics of this process."""

    def __init__(self) -> None:
        self.topics: dict[str, Topic] = {}

    def topic(self, channel_id: str) -> Topic:
        """The channel's topic, made when there is none. Give it back with ``leave``."""
        found = self.topics.get(channel_id)
        if found is None:
            found = self.topics[channel_id] = Topic(channel_id)
        return found

    def leave(self, topic: Topic) -> None:
        """Drop cohorts without subscribers, and the topic when nobody is left in it."""
        if topic.waiting:
            return
        topic.cohorts = {key: c for key, c in topic.cohorts.items() if c.subscribers}
        for cohort in topic.cohorts.values():
            cohort.forget()
        if not topic.cohorts and self.topics.get(topic.channel_id) is topic:
            del self.topics[topic.channel_id]
