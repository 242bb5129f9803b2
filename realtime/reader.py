"""Reading the log for those who come back."""

import asyncio
from dataclasses import dataclass
from functools import partial

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

KEPT = 4_000
KEPT_SECONDS = 5.0
"""How many events of past readings are kept for whoever else needs the same, and for how long.
Each reading counts as one more.
"""


@dataclass(slots=True)
class _Reading:
    head: int
    """Everything up to this position, at least, had been committed when it was read."""
    events: asyncio.Task[list[EventRecord]]


def _size(reading: _Reading) -> int:
    return 1 + len(reading.events.result())


Place = tuple[str, int]
"""A channel, and the position after which is read."""


class Reader:
    """Reads the log after a position: once for all who ask for the same, as long as it is the same.

    After a server is lost, thousands come back within seconds, most of them with
    the same cursor.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._under_way: dict[Place, _Reading] = {}
        self._kept: TTLCache[Place, _Reading] = TTLCache(KEPT, KEPT_SECONDS, getsizeof=_size)

    async def after(self, channel_id: str, position: int, head: int) -> list[EventRecord]:
        """Up to two hundred events, in order. Raises UNAVAILABLE.

        None of those up to ``head`` is missing, and their messages are as they were
        then or later: to edit or to delete one is an event too, so while there is
        no newer event, what was read before is what would be read again.
        """
        key = (channel_id, position)
        reading = self._under_way.get(key) or self._kept.get(key)
        if reading is None or reading.head < head:
            reading = _Reading(head, asyncio.create_task(self._read(*key), name="reader"))
            self._under_way[key] = reading
            reading.events.add_done_callback(partial(self._keep, key, reading))
        # One of those who wait may be cancelled without taking it from the others.
        return await asyncio.shield(reading.events)

    async def _read(self, channel_id: str, position: int) -> list[EventRecord]:
        async with self._turns:
            return await events.read_after(self._database, {channel_id: position}, READ_LIMIT)

    def _keep(self, key: Place, reading: _Reading, task: asyncio.Task[list[EventRecord]]) -> None:
        if self._under_way.get(key) is reading:
            del self._under_way[key]
            if not task.cancelled() and task.exception() is None:
                if found := task.result():
                    reading.head = max(reading.head, found[-1].position)
                self._kept[key] = reading
