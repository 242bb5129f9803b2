"""Deliveries: what a message costs for each of those who hear it.

What the server does for a message is divided among its deliveries. In the rows called "all
included" one process receives the message, commits it, answers, reads its event, renders it and
delivers it; in the others it was sent through another process, and this one does the rest. The
least is a server that receives the same bytes and does nothing with them but broadcast them.
To GraphQL Yoga and PostGraphile messages come from PostgreSQL alone: nobody sends through them.
"""

import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import httpx

from benchmarks import peers
from benchmarks.audience import Audience, audience
from benchmarks.company import Company
from benchmarks.crowd import CHANNEL_EVENTS, CONTENT, MESSAGE_ADDED, OWN, Crowd
from benchmarks.process import LOAD_CORE, Contender
from benchmarks.rooms import Plain, Rooms
from benchmarks.rows import Effort, Row, Target, Work, in_turns
from benchmarks.sockets import Counter

LISTENERS = 1_000
CHANNELS = 100
"""Among which they are spread."""
MESSAGES = 50
STRAWBERRYS = 5
"""Messages in a round of Strawberry's, each of which takes it half a second."""
EVERYBODY = "everybody"

Say = Callable[[], Awaitable[object]]


async def rows(company: Company, effort: Effort) -> list[Row]:
    """Of one channel, of its events, of a hundred channels, and of what is each viewer's own."""
    messages = effort.times(MESSAGES)
    people = len(company.people)
    one, all_events, own = [await company.channel(50) for _ in range(3)]
    many = [await company.channel(50) for _ in range(CHANNELS)]
    async with AsyncExitStack() as stack:
        backchannel = await stack.enter_async_context(company.backchannel())
        other = await stack.enter_async_context(company.backchannel(LOAD_CORE))
        broadcasting = await stack.enter_async_context(company.contender("broadcast"))
        plain = await stack.enter_async_context(company.contender("plain_live"))
        http = await stack.enter_async_context(httpx.AsyncClient())

        crowd = Crowd(company, backchannel)
        elsewhere = Crowd(company, other)
        await crowd.gather(LISTENERS)
        await crowd.subscribe("1", MESSAGE_ADDED, lambda _: one)
        message = crowd.sample
        await crowd.subscribe("2", CHANNEL_EVENTS, lambda _: all_events)
        event = crowd.sample
        await crowd.subscribe("3", MESSAGE_ADDED, lambda number: many[number % CHANNELS])
        await crowd.subscribe("4", OWN, lambda _: own, people)
        rooms = Rooms(broadcasting)
        await rooms.open([EVERYBODY] * LISTENERS)
        await rooms.open([str(number % CHANNELS) for number in range(LISTENERS)])
        strawberry = Plain(plain, http)
        await strawberry.open(LISTENERS)
        audiences: list[Audience] = []
        missing: dict[str, str] = {}
        for peer in (peers.yoga, peers.postgraphile):
            try:
                audiences.append(
                    await stack.enter_async_context(audience(peer, company, one, LISTENERS))
                )
            except peers.NotHere as absent:
                missing[peer.__name__] = str(absent)

        async def broadcast(text: bytes) -> None:
            rooms.say(EVERYBODY, text)

        async def say_everywhere() -> None:
            await elsewhere.say_at_once(many)

        async def broadcast_everywhere() -> None:
            for number in range(CHANNELS):
                rooms.say(str(number), message)

        def ours(say: Say, listeners: int = LISTENERS, times: int = messages) -> Work:
            return round_of(backchannel, crowd.delivered, say, listeners, times)

        def least(say: Say, times: int = messages) -> Work:
            return round_of(broadcasting, rooms.delivered, say, LISTENERS, times)

        def stock() -> Work:
            times = effort.times(STRAWBERRYS)
            return round_of(
                plain, strawberry.delivered, lambda: strawberry.say(CONTENT), LISTENERS, times
            )

        def peers_own(heard: Audience) -> Work:
            times = effort.times(STRAWBERRYS)
            return round_of(heard.server, heard.delivered, heard.say, LISTENERS, times)

        everywhere = max(1, messages // 5)
        return [
            await _row(
                effort,
                "messageAdded to each of 1,000, all included",
                {
                    "ours": ours(lambda: crowd.say(one)),
                    "broadcast": least(lambda: broadcast(message)),
                    "Strawberry": stock(),
                },
                1.6,
            ),
            await _row(
                effort,
                "messageAdded to each of 1,000, sent elsewhere",
                {
                    "ours": ours(lambda: elsewhere.say(one)),
                    "broadcast": least(lambda: broadcast(message)),
                    **{each.server.name: peers_own(each) for each in audiences},
                },
                1.6,
                missing,
            ),
            await _row(
                effort,
                "channelEvents with a fragment to each of 1,000, all included",
                {
                    "ours": ours(lambda: crowd.say(all_events)),
                    "broadcast": least(lambda: broadcast(event)),
                },
                2.5,
            ),
            await _row(
                effort,
                "messageAdded to 1,000 in 100 channels, a message in each, sent elsewhere",
                {
                    "ours": ours(say_everywhere, times=everywhere),
                    "broadcast": least(broadcast_everywhere, everywhere),
                },
                2.5,
            ),
            await _row(
                effort,
                f"messageAdded with the viewer's own to each of {people} people, sent elsewhere",
                {"ours": ours(lambda: elsewhere.say(own), people)},
            ),
        ]


def round_of(server: Contender, delivered: Counter, say: Say, listeners: int, times: int) -> Work:
    """So many messages, each after the one before was heard by all; microseconds a delivery."""

    async def work() -> float:
        with server.metered() as usage:
            for _ in range(times):
                before = delivered.count
                await say()
                await delivered.reach(before + listeners)
        return usage.cpu / times / listeners * 1e6

    return work


async def _row(
    effort: Effort,
    work: str,
    works: dict[str, Work],
    most: float | None = None,
    missing: dict[str, str] | None = None,
) -> Row:
    began = time.perf_counter()
    figures = await in_turns(effort, works)
    targets = [Target("broadcast", most)] if most else []
    beside = {"measured for": f"{time.perf_counter() - began:.0f} s", **(missing or {})}
    return Row("live", work, "µs CPU", figures.pop("ours"), figures, targets, beside)
