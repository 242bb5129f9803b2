"""Read markers that have moved: told to those who follow them, and stored as they are anyway.

A hint says whose marker to look at. What is told is read from the database, of
several moves only the last, so that it is as exact as ``readBy``: whoever has turned
their receipts off is told nothing and of nobody, and nothing is told of channels that
are too large for it.
"""

import asyncio

import structlog

from realtime.bell import Bell
from realtime.hub import Hub
from storage import receipts
from storage.errors import Refusal
from storage.events import Seen
from storage.postgres import Database
from storage.records import MarkerMoved

TOGETHER_SECONDS = 0.1
"""Markers that move in this time are read together."""

RETRY_SECONDS = 1.0

log = structlog.get_logger(__name__)


class Markers:
    """Tells of read markers in this process."""

    def __init__(self, database: Database, hub: Hub, bell: Bell, most_members: int) -> None:
        self._database = database
        self._hub = hub
        self._bell = bell
        self._most_members = most_members
        self._moved: set[Seen] = set()
        self._everywhere = False
        self._wake = asyncio.Event()

    def tell(self, channel_id: str, user_id: str, member_count: int) -> None:
        """A person has read on, and that is committed; the channel has so many members."""
        if member_count <= self._most_members:
            hint = Seen(channel_id, user_id)
            self.hear(hint)
            self._bell.ring(hint)

    def hear(self, hint: Seen) -> None:
        """Some process has told that a marker moved: look at it soon, if anybody here cares."""
        topic = self._hub.topics.get(hint.channel_id)
        if topic and topic.follows_markers:
            self._moved.add(hint)
            self._wake.set()

    def look_everywhere(self) -> None:
        """Tell how far everybody has read, soon: hints may have been missed."""
        self._everywhere = True
        self._wake.set()

    async def run(self) -> None:
        """Tell until cancelled; a database out of reach is tried again."""
        while True:
            await self._wake.wait()
            await asyncio.sleep(TOGETHER_SECONDS)
            self._wake.clear()
            moved, self._moved = self._moved, set()
            everywhere, self._everywhere = self._everywhere, False
            try:
                await self._tell(moved, everywhere)
            except Refusal as refusal:
                log.warning("markers.wait", service=refusal.service)
                self._moved |= moved
                self._everywhere |= everywhere
                await asyncio.sleep(RETRY_SECONDS)
                self._wake.set()

    async def _tell(self, moved: set[Seen], everywhere: bool) -> None:
        topics = {id: topic for id, topic in self._hub.topics.items() if topic.follows_markers}
        places = {(hint.channel_id, hint.user_id) for hint in moved if hint.channel_id in topics}
        if everywhere and topics:
            places |= set(await receipts.members(self._database, list(topics)))
        if not places:
            return
        found = await receipts.markers(self._database, places, self._most_members)
        listening = {
            (channel_id, subscriber.viewer_id)
            for channel_id in {marker.channel_id for marker in found}
            for cohort in topics[channel_id].cohorts.values()
            for subscriber in cohort.subscribers
        }
        # Afterwards: whoever has turned theirs off by now, or is gone although the log has not told
        # it here yet, is told of nothing that was read here.
        not_told = await receipts.not_told(self._database, listening)
        hidden_from: dict[str, set[str]] = {}
        for channel_id, user_id in not_told:
            hidden_from.setdefault(channel_id, set()).add(user_id)
        for marker in found:
            hidden = frozenset(hidden_from.get(marker.channel_id, ()))
            topics[marker.channel_id].feed([MarkerMoved(*marker, hidden)])
