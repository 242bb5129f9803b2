"""Reading the log for those who come back."""

import asyncio

from storage import events
from storage.postgres import Database
from storage.records import EventRecord

READ_LIMIT = 200


class Reader:
    """Reads the log after a position: once for all who ask for the same at the same time.

    After a server is lost, thousands come back within seconds, most of them with
    the same cursor.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._reading: dict[tuple[str, int], asyncio.Task[list[EventRecord]]] = {}

    async def after(self, channel_id: str, position: int) -> list[EventRecord]:
        """Up to two hundred events, in order. Raises UNAVAILABLE.

        What was committed before the call may be missing if somebody else had
        asked just before: ask again from the last position until it is enough.
        """
        key = (channel_id, position)
        reading = self._reading.get(key)
        if reading is None:
            reading = asyncio.create_task(self._read(key))
            self._reading[key] = reading
        # One of those who wait may be cancelled without taking it from the others.
        return await asyncio.shield(reading)

    async def _read(self, key: tuple[str, int]) -> list[EventRecord]:
        channel_id, position = key
        try:
            return await events.read_after(self._database, {channel_id: position}, READ_LIMIT)
        finally:
            del self._reading[key]
