"""The hub: who in this process listens to which channel.

A topic is a channel with at least one subscriber here. Its subscribers stand
in cohorts, so that an event is rendered once for each cohort. Authorization
stays each subscriber's own.

What the hub guarantees to a subscriber: the events of the log, in order, each
once, with consecutive positions, from the one after the position it joined at;
none after the one by which it lost the channel. It knows nothing of GraphQL,
sockets or SQL.
"""

import asyncio
from collections import deque
from collections.abc import Coroutine, Hashable, Iterable, Sequence
from typing import Any

import structlog

from realtime.cohorts import Cohort, Signal
from realtime.source import Render, Rendered, Together, settled
from storage.errors import ErrorCode, Refusal, resync_required
from storage.records import EventKind, EventRecord

RETRY_SECONDS = 0.1

AT_A_STRETCH = 50
"""Cohorts that are told of a signal before anything else of this process has its turn."""

log = structlog.get_logger(__name__)


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
        self._is_giving_out = False
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
        """Queue signals, in order; they are given out in that order, the first at once if nothing
        has to be waited for.
        """
        self._queue.extend(signals)
        if self._queue and not self._is_giving_out:
            self._is_giving_out = True
            rest = self._publish(self._queue.popleft())
            if rest is not None or self._queue:
                self._pump = asyncio.ensure_future(self._give_out(rest))
            else:
                self._is_giving_out = False

    async def _give_out(self, rest: Coroutine[Any, Any, None] | None) -> None:
        try:
            while True:
                if rest is not None:
                    await rest
                if not self._queue:
                    return
                # Others have their turn between two signals.
                await asyncio.sleep(0)
                rest = self._publish(self._queue.popleft())
        finally:
            self._is_giving_out = False
            self._pump = None

    def _publish(self, signal: Signal) -> Coroutine[Any, Any, None] | None:
        """Tell the cohorts, as far as that goes at once; what is left is to be awaited."""
        if isinstance(signal, EventRecord):
            # Before anything is awaited: whoever finishes catching up during the
            # rendering must find out here that there is one more to read.
            self.position = signal.position
            if signal.kind in (EventKind.MESSAGE_EDITED, EventKind.MESSAGE_DELETED):
                for cohort in self.cohorts.values():
                    cohort.forget()
        together: Together = {}
        cohorts = [cohort for cohort in self.cohorts.values() if cohort.subscribers]
        for at, cohort in enumerate(cohorts):
            if at == AT_A_STRETCH:
                return self._publish_on(signal, cohorts[at:], together)
            try:
                rendered = cohort.payload(signal, together)
            except Exception:
                # Tried once more, where it is seen to.
                return self._publish_on(signal, cohorts[at:], together)
            if rendered is not None and not isinstance(rendered, bytes):
                return self._publish_on(signal, cohorts[at:], together, rendered)
            self._give(cohort, signal, rendered)
        return None

    async def _publish_on(
        self,
        signal: Signal,
        cohorts: Sequence[Cohort],
        together: Together,
        rendered: Rendered = None,
    ) -> None:
        """Tell these cohorts; of the first it may be ``rendered`` already."""
        for at, cohort in enumerate(cohorts):
            if at and at % AT_A_STRETCH == 0:
                await asyncio.sleep(0)
            try:
                payload = await _settled(cohort, signal, together, rendered)
            except Exception:
                # A bug in one document's rendering must not stop the channel for
                # the others; those it concerns are told to start again.
                log.exception("hub.render", channel_id=self.channel_id)
                for subscriber in list(cohort.subscribers):
                    subscriber.sink.end(resync_required("This event could not be delivered."))
                cohort.subscribers.clear()
            else:
                self._give(cohort, signal, payload)
            rendered = None

    def _give(self, cohort: Cohort, signal: Signal, payload: bytes | None) -> None:
        for subscriber in list(cohort.subscribers):
            if not subscriber.offer(signal, payload):
                cohort.subscribers.discard(subscriber)
        if not self.waiting:
            cohort.forget()


async def _settled(
    cohort: Cohort, signal: Signal, together: Together, rendered: Rendered
) -> bytes | None:
    """The bytes for a signal, when the servers they are made from can be reached again.

    Nothing but waiting keeps the order: what comes later cannot be told before this.
    """
    while True:
        try:
            if rendered is None:
                rendered = cohort.payload(signal, together)
            return await settled(rendered)
        except Refusal as refusal:
            if refusal.code is not ErrorCode.UNAVAILABLE or not cohort.subscribers:
                raise
            log.warning("hub.waits", service=refusal.service)
        rendered = None
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
