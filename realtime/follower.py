"""The follower: reads the log of every channel somebody here listens to, once.

Hints say where to look at once; without any, each second a poll finds what has
moved. Either way one statement reads everything new, and the hub gives it out.
"""

import asyncio
import contextlib

import structlog

from realtime.hub import Hub, Topic
from realtime.typing import Typing
from storage import events, incarnation
from storage.errors import Refusal
from storage.events import Hint, Moved, Typed
from storage.postgres import Database
from storage.records import EventKind, EventRecord, MessageContentType

POLL_SECONDS = 1.0

GATHER_SECONDS = 0.01
"""Between two readings of the log. What is heard after some time is read at once; while much
happens in many channels, it is read together, and not channel by channel.
"""

READ_LIMIT = 500
"""Events of one channel in one reading; there may be another reading right after it."""

log = structlog.get_logger(__name__)


class Follower:
    """Carries the log of PostgreSQL into the hub of this process."""

    def __init__(self, database: Database, hub: Hub, typing: Typing) -> None:
        self._database = database
        self._hub = hub
        self._typing = typing
        self._moved: set[str] = set()
        self._wake = asyncio.Event()
        self._may_be_another_life = True
        self._poll_at = 0.0
        self._read_at = 0.0
        """When to poll next, and when to read at the earliest, on the event loop's clock."""

    def hear(self, hint: Hint) -> None:
        """Look at a channel soon, if anybody here listens to it."""
        if isinstance(hint, Moved):
            topic = self._hub.topics.get(hint.channel_id)
            if topic:
                topic.hinted = max(topic.hinted, hint.position)
                self.look_at(topic)
        elif isinstance(hint, Typed):
            self._typing.heard(hint)

    def look_at(self, topic: Topic) -> None:
        """Read this topic soon if a hint says that there is more than it was given."""
        if topic.fed is not None and topic.hinted > topic.fed:
            self._moved.add(topic.channel_id)
            self._wake.set()

    def look_everywhere(self) -> None:
        """Look at every channel soon: hints may have been missed, or the database restored."""
        self._may_be_another_life = True
        self._poll_at = 0.0
        self._wake.set()

    async def run(self) -> None:
        """Follow until cancelled; a database out of reach is tried again with the next poll."""
        clock = asyncio.get_running_loop().time
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(self._poll_at):
                    await self._wake.wait()
            if self._read_at > clock():
                await asyncio.sleep(self._read_at - clock())
            self._wake.clear()
            try:
                # By the clock and not whenever nothing was heard for a while: a
                # busy channel would keep all others from being looked at.
                if clock() >= self._poll_at:
                    self._poll_at = clock() + POLL_SECONDS
                    await self._poll()
                if self._moved:
                    await self._read()
                    self._read_at = clock() + GATHER_SECONDS
            except Refusal as refusal:
                log.warning("follower.waits", service=refusal.service)
                await asyncio.sleep(POLL_SECONDS / 10)
                self.look_everywhere()

    async def _poll(self) -> None:
        if self._may_be_another_life:
            if await incarnation.begin_new_epochs(self._database):
                log.warning("log.new_epochs")
            self._may_be_another_life = False
        topics = {id: topic for id, topic in self._hub.topics.items() if topic.fed is not None}
        if topics:
            for channel_id, head in (await events.heads(self._database, list(topics))).items():
                topic = topics[channel_id]
                topic.begin(head.epoch)
                if topic.fed is not None and head.position > topic.fed:
                    self._moved.add(channel_id)

    async def _read(self) -> None:
        # Whoever moves while we read sets a new hint in the new set.
        moved, self._moved = self._moved, set()
        topics = {id: topic for id in moved if (topic := self._hub.topics.get(id))}
        places = {id: fed for id, topic in topics.items() if (fed := topic.fed) is not None}
        if not places:
            return
        found: dict[str, list[EventRecord]] = {}
        for event in await events.read_after(self._database, places, READ_LIMIT):
            found.setdefault(event.channel_id, []).append(event)
        for channel_id, batch in found.items():
            topic = topics[channel_id]
            if batch[0].epoch != topic.epoch:
                # Another log than the one that is followed: its positions would only look as if
                # they went on from there. The poll tells the subscribers.
                self._poll_at = 0.0
                self._wake.set()
                continue
            if self._hub.topics.get(channel_id) is topic:
                topic.feed(batch)
                self._end_typing(batch)
            if len(batch) == READ_LIMIT:
                self._moved.add(channel_id)
                self._wake.set()
            # What was written goes out, and others have their turn.
            await asyncio.sleep(0)

    def _end_typing(self, batch: list[EventRecord]) -> None:
        for event in batch:
            message = event.message
            if (
                message
                and event.kind == EventKind.MESSAGE_SENT
                and message.content_type != MessageContentType.SYSTEM
            ):
                self._typing.over(event.channel_id, message.sender_id)
            elif event.kind == EventKind.MEMBER_LEFT and event.user_id:
                self._typing.over(event.channel_id, event.user_id)
