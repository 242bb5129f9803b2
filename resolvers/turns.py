"""Turns: how much of something costly one person may have at a time."""

import asyncio
from weakref import WeakValueDictionary


class Turns:
    """So many at a time for each person; whoever wants more waits for their own only."""

    def __init__(self, each: int) -> None:
        self._each = each
        self._by_person: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    def of(self, person_id: str) -> asyncio.Semaphore:
        """The person's turns: ``async with`` takes one. Kept for as long as somebody holds it."""
        turns = self._by_person.get(person_id)
        if turns is None:
            turns = self._by_person[person_id] = asyncio.Semaphore(self._each)
        return turns
