"""Turns: how much of something costly one person may have at a time."""

import asyncio
from weakref import WeakValueDictionary


class Turns:
    """Two at a time for each person; whoever wants more waits for their own, not for others'."""

    def __init__(self, each: int = 2) -> None:
        self._each = each
        self._taken: WeakValueDictionary[tuple[str, str], asyncio.Semaphore] = WeakValueDictionary()

    def of(self, person_id: str, what: str) -> asyncio.Semaphore:
        """The person's turns at this: ``async with`` takes one."""
        key = (person_id, what)
        turns = self._taken.get(key)
        if turns is None:
            turns = self._taken[key] = asyncio.Semaphore(self._each)
        return turns
