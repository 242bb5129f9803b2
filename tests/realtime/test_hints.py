"""Hints on their way from ring to hear: all of them, in as few notifications as fit."""

import asyncio
from itertools import pairwise

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.bell import PostgresBell
from storage import events
from storage.events import MAX_PAYLOAD_BYTES, Echo, Hint, Moved, Typed
from tests.world import World

IDS = st.text("0123456789abcdef", min_size=24, max_size=24)
# Long ones, so that a few are more than one notification holds.
NAMES = st.one_of(st.text(max_size=40), st.builds(lambda n: "ä" * n, st.integers(0, 1_500)))
HINTS = st.one_of(
    st.builds(Moved, NAMES, st.integers(0, 2**63 - 1)),
    st.builds(Typed, NAMES, IDS, st.booleans(), st.integers(0, 10_000)),
    st.builds(Echo, NAMES),
)


def payloads(hints: list[Hint]) -> list[str]:
    return list(events._payloads(hints))


@settings(max_examples=40)
@given(st.lists(HINTS, max_size=40))
def test_what_is_rung_is_heard_whole_and_in_order(hints: list[Hint]) -> None:
    told = payloads(hints)
    assert [hint for payload in told for hint in events.heard(payload)] == hints
    assert all(len(payload.encode()) <= MAX_PAYLOAD_BYTES for payload in told)


@settings(max_examples=40)
@given(st.lists(HINTS, min_size=1, max_size=40))
def test_no_notification_more_than_needed(hints: list[Hint]) -> None:
    """Two that follow each other would not have fitted into one."""
    told = payloads(hints)
    for one, other in pairwise(told):
        first = orjson.dumps(orjson.loads(other)[0])
        assert len(one.encode()) + 1 + len(first) >= MAX_PAYLOAD_BYTES
    assert all(events.heard(payload) for payload in told)


async def test_the_fullest_notification_is_one_that_postgresql_takes(world: World) -> None:
    filled = payloads([Moved("ä" * 40, 2**63 - 1)] * 1_000)[0]
    assert len(filled.encode()) > MAX_PAYLOAD_BYTES - 200
    padded = filled + " " * (MAX_PAYLOAD_BYTES - len(filled.encode()))
    await world.database.execute("select pg_notify('nobody', $1)", padded)


@pytest.mark.parametrize(
    ("rung", "told"),
    [
        ([Moved("a", 1), Moved("a", 3), Moved("a", 2)], [Moved("a", 3)]),
        ([Moved("a", 1), Moved("b", 1), Moved("a", 2)], [Moved("a", 2), Moved("b", 1)]),
        # Nobody wants to hear later who was typing now.
        ([Typed("a", "0" * 24, True), Moved("a", 1)], [Moved("a", 1)]),
    ],
)
async def test_what_is_rung_while_the_line_is_down_is_told_once_it_is_up(
    world: World, rung: list[Hint], told: list[Hint]
) -> None:
    heard: list[Hint] = []
    all_heard = asyncio.Event()

    def hear(hint: Hint) -> None:
        if hint[0] in ("a", "b"):
            heard.append(hint)
        if len(heard) == len(told):
            all_heard.set()

    bell = PostgresBell(world.settings.database_url, hear=hear, returned=lambda: None)
    for hint in rung:
        bell.ring(hint)
    running = asyncio.create_task(bell.run())
    async with asyncio.timeout(20):
        await all_heard.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert heard == told
    assert not bell.is_connected
