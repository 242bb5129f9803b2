"""Reading the log for those who come back."""

import asyncio
from dataclasses import dataclass

from cachetools import TTLCache

from storage import events
from storage.postgres import Database
from storage.records import EventRecord

READ_LIMIT = 200

AT_ONCE = 3
"""Readings under way at a time. More of them would only wait in the pool, which refuses whoever
comes when many wait; who comes back to a channel shall rather wait here. It also leaves a
connection for what is live.
"""

KEPT = 16
KEPT_SECONDS = 5.0
"""How many readings are kept for whoever else needs the same, and for how long."""


@dataclass(slots=True)
class _Reading:
    head: int
    """Everything up to this position, at least, had been committed when it was read."""
    events: asyncio.Task[list[EventRecord]]


class Reader:
    """Reads the log after a position: once for all who ask for the same, as long as it is the same.

    After a server is lost, thousands come back within seconds, most of them with
    the same cursor.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._kept: TTLCache[tuple[str, int], _Reading] = TTLCache(KEPT, KEPT_SECONDS)

    async def after(self, channel_id: str, position: int, head: int) -> list[EventRecord]:
        """Up to two hundred events, in order. Raises UNAVAILABLE.

        None of those up to ``head`` is missing, and their messages are as they were
        then or later: to edit or to delete one is an event too, so while there is
        no newer event, what was read before is what would be read again.
        """
        key = (channel_id, position)
        reading = self._kept.get(key)
        if reading is None or reading.head < head:
            reading = _Reading(head, asyncio.create_task(self._read(*key), name="reader"))
            self._kept[key] = reading
        try:
            # One of those who wait may be cancelled without taking it from the others.
            found = await asyncio.shield(reading.events)
        except Exception:
            if self._kept.get(key) is reading:
                del self._kept[key]
            raise
        if found:
            reading.head = max(reading.head, found[-1].position)
        return found

    async def _read(self, channel_id: str, position: int) -> list[EventRecord]:
        async with self._turns:
            return await events.read_after(self._database, {channel_id: position}, READ_LIMIT)
