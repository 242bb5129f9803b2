"""A stream: one operation's subscription to a channel, from its cursor on, then live."""

from collections.abc import Hashable

from realtime.cohorts import Cohort, Subscriber
from realtime.follower import Follower
from realtime.hub import Hub, Topic
from realtime.reader import Reader
from realtime.source import Render, Sink, Source, settled
from realtime.typing import Typing
from storage import cursors
from storage.errors import Refusal, resync_required


class Stream(Source):
    """What an operation may hear of a channel, and from where on."""

    def __init__(
        self,
        hub: Hub,
        follower: Follower,
        reader: Reader,
        typing: Typing,
        *,
        channel_id: str,
        viewer_id: str,
        epoch: int,
        position: int,
        granted_at: int,
        is_guest: bool,
        follows_markers: bool = False,
    ) -> None:
        self._hub = hub
        self._follower = follower
        self._reader = reader
        self._typing = typing
        self.channel_id = channel_id
        self.viewer_id = viewer_id
        self._epoch = epoch
        self._position = position
        self.cursor = cursors.encode_event(channel_id, epoch, position)
        self._granted_at = granted_at
        self._is_guest = is_guest
        self._follows_markers = follows_markers
        self._topic: Topic | None = None
        self._subscriber: Subscriber | None = None

    @property
    def looks_on_at(self) -> str | None:
        """See ``Source``."""
        is_guest = self._subscriber.is_guest if self._subscriber else self._is_guest
        return self.channel_id if is_guest else None

    async def run(self, cohort_key: Hashable, render: Render, sink: Sink) -> None:
        """Deliver what was missed and join the live ones; delivery goes on until ``close``.

        Raises RESYNC_REQUIRED when the log does not reach back to the cursor.
        """
        topic = self._topic = self._hub.topic(self.channel_id)
        # From here on it stays in the hub, even should everybody else be sent away now.
        topic.waiting += 1
        topic.begin(self._epoch)
        cohort = topic.cohort(cohort_key, render)
        cohort.follows_markers = self._follows_markers
        self._subscriber = subscriber = Subscriber(
            self.viewer_id,
            cohort,
            sink,
            position=self._position,
            granted_at=self._granted_at,
            is_guest=self._is_guest,
        )
        try:
            if await self._catch_up(topic, cohort, subscriber):
                # Nothing is awaited between the last comparison of positions and this.
                if topic.position is None:
                    topic.position = subscriber.position
                cohort.subscribers.add(subscriber)
                self._follower.look_at(topic)
                await self._typing.greet(self.channel_id, subscriber)
        finally:
            topic.waiting -= 1
            self._hub.leave(topic)

    def close(self) -> None:
        """Stop delivering, at once."""
        if self._topic and self._subscriber:
            self._subscriber.cohort.subscribers.discard(self._subscriber)
            self._hub.leave(self._topic)

    async def _catch_up(self, topic: Topic, cohort: Cohort, subscriber: Subscriber) -> bool:
        """Give the subscriber the log up to where its topic is; False when it may not go on."""
        while subscriber.position < (head := max(self._granted_at, topic.position or 0)):
            missed = await self._reader.after(self.channel_id, subscriber.position, head)
            if not missed or missed[0][:3] != (
                self.channel_id,
                self._epoch,
                subscriber.position + 1,
            ):
                raise _too_old()
            for event in missed:
                payload = await settled(cohort.payload(event, {}))
                # History comes as fast as the reader takes it: it is never too much at once.
                await subscriber.sink.ready()
                if not subscriber.offer(event, payload):
                    return False
        return True


def _too_old() -> Refusal:
    return resync_required("The log does not reach back to this cursor; fetch the channel anew.")
