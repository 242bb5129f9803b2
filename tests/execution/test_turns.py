"""Of thousands a few begin at a time, and nobody keeps the others from it for long."""

import asyncio

import pytest

import execution.turns
from execution.turns import AT_ONCE, Turns
from tests.world import until


class Crowd:
    """So many who want a turn at the same moment."""

    def __init__(self, count: int) -> None:
        self.turns = Turns()
        self.begun: list[int] = []
        self.door = asyncio.Event()
        self.tasks = [asyncio.create_task(self._one(number)) for number in range(count)]

    async def _one(self, number: int) -> None:
        async with self.turns.one():
            self.begun.append(number)
            await self.door.wait()

    async def all_done(self) -> None:
        self.door.set()
        await asyncio.gather(*self.tasks, return_exceptions=True)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution.turns, "PATIENCE_SECONDS", 60.0)


@pytest.mark.usefixtures("patient")
async def test_so_many_begin_at_a_time_in_the_order_in_which_they_came() -> None:
    crowd = Crowd(3 * AT_ONCE)
    await until(lambda: len(crowd.begun) >= AT_ONCE)
    await asyncio.sleep(0.01)
    assert crowd.begun == list(range(AT_ONCE))
    await crowd.all_done()
    assert crowd.begun == list(range(3 * AT_ONCE))


@pytest.mark.usefixtures("patient")
async def test_who_goes_away_takes_nobodys_turn() -> None:
    crowd = Crowd(AT_ONCE + 2)
    await until(lambda: len(crowd.begun) == AT_ONCE)
    # One who waits, and one whose turn it is.
    crowd.tasks[AT_ONCE].cancel()
    crowd.tasks[0].cancel()
    await until(lambda: len(crowd.begun) == AT_ONCE + 1)
    assert crowd.begun[-1] == AT_ONCE + 1
    await crowd.all_done()


async def test_whose_turn_takes_long_keeps_nobody_waiting_and_counts_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(execution.turns, "PATIENCE_SECONDS", 0.05)
    slow = Crowd(2 * AT_ONCE)
    await until(lambda: len(slow.begun) == 2 * AT_ONCE)
    await slow.all_done()
    monkeypatch.setattr(execution.turns, "PATIENCE_SECONDS", 60.0)
    # Each gave its turn back, and no more than that.
    crowd = Crowd(0)
    crowd.turns = slow.turns
    crowd.tasks = [asyncio.create_task(crowd._one(number)) for number in range(2 * AT_ONCE)]
    await until(lambda: len(crowd.begun) >= AT_ONCE)
    await asyncio.sleep(0.01)
    assert len(crowd.begun) == AT_ONCE
    await crowd.all_done()
