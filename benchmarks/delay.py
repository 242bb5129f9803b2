"""Delay: from a message's commit until the last of a thousand has heard it.

Ten messages a second. A commit is over when the first sign of it comes: the sender's answer, or a
delivery that overtakes it. For the broadcast it is when the message was sent.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from benchmarks.company import Company
from benchmarks.crowd import MESSAGE_ADDED, Crowd
from benchmarks.rooms import Rooms
from benchmarks.rows import Effort, Row, Target, Work, in_turns
from benchmarks.sockets import Counter

LISTENERS = 1_000
PERIOD = 0.1
MESSAGES = 60
EVERYBODY = "everybody"

Say = Callable[[], Awaitable[float]]
"""Sends a message; when it was committed, unless a delivery tells that it was before."""


async def rows(company: Company, effort: Effort) -> list[Row]:
    """One channel, one row."""
    channel = await company.channel(50)
    async with AsyncExitStack() as stack:
        backchannel = await stack.enter_async_context(company.backchannel())
        broadcasting = await stack.enter_async_context(company.contender("broadcast"))
        crowd = Crowd(company, backchannel)
        await crowd.gather(LISTENERS)
        await crowd.subscribe("1", MESSAGE_ADDED, lambda _: channel)
        message = crowd.sample
        rooms = Rooms(broadcasting)
        await rooms.open([EVERYBODY] * LISTENERS)

        async def send() -> float:
            committed_at = await crowd.say(channel)
            return min(committed_at, crowd.first_at or committed_at)

        async def broadcast() -> float:
            return rooms.say(EVERYBODY, message)

        delays: dict[str, list[float]] = {"ours": [], "broadcast": []}
        count = max(20, effort.times(MESSAGES))
        figures = await in_turns(
            effort,
            {
                "ours": _round(crowd.delivered, send, count, delays["ours"]),
                "broadcast": _round(rooms.delivered, broadcast, count, delays["broadcast"]),
            },
        )
    return [
        Row(
            "delay",
            f"p99 from a commit to the last of {LISTENERS:,}, ten messages a second",
            "ms",
            figures.pop("ours"),
            figures,
            [Target("broadcast", 2)],
            {
                f"{name} throughout": f"p50 {_late(of, 0.5):.1f} ms, p99 {_late(of, 0.99):.1f} ms"
                for name, of in delays.items()
            },
        )
    ]


def _round(delivered: Counter, say: Say, count: int, delays: list[float]) -> Work:
    async def work() -> float:
        found: list[float] = []
        next_at = time.perf_counter()
        for _ in range(count):
            await asyncio.sleep(next_at - time.perf_counter())
            next_at += PERIOD
            before = delivered.count
            committed_at = await say()
            await delivered.reach(before + LISTENERS)
            found.append((delivered.last_at - committed_at) * 1000)
        delays.extend(found)
        return _late(found, 0.99)

    return work


def _late(delays: list[float], share: float) -> float:
    """Milliseconds."""
    ordered = sorted(delays)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
