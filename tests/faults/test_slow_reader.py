"""One client stops reading while thousands of messages flow."""

import asyncio
import statistics
from collections.abc import Callable

from tests.faults.fleet import OUTBOX_BYTES, Fleet, Server
from tests.faults.followers import Follower
from tests.faults.load import Load
from tests.faults.record import Call, Row
from tests.faults.size import Size

FRAME_BYTES = 200_000
"""What one message, and what the connection itself buffers, may come to beside the outbox."""


RECEIVE_BYTES = 65_536
"""What the slow one's end takes. Of less than a segment, TCP itself waits before it sends more."""


async def test_a_slow_reader_costs_little_and_nobody_else_anything_and_misses_nothing(
    fleet: Fleet,
    pair: tuple[Server, Server],
    size: Size,
    report: Callable[[Row], None],
    note: Callable[[str], None],
) -> None:
    server = pair[0]
    async with Load.on(fleet, [server], followers=size.followers) as load:
        load.padding = "€" * size.padding
        others = list(load.followers)
        most = 0
        await through(load, size.slow_messages // 10)
        alone = latencies(await through(load, size.slow_messages // 2), others)
        await load.delivered([await load.say(server)], 30)
        slow = load.follow(
            "slow", server, cursor=others[0].cursor, max_queue=1, receive_bytes=RECEIVE_BYTES
        )
        await load.delivered([await load.say(server)], 30)
        slow.reads.clear()
        sending = asyncio.create_task(through(load, size.slow_messages))
        everybody = (await server.outbox())["sockets"]
        while (found := await server.outbox())["sockets"] == everybody:
            assert not sending.done(), f"never too slow: {found}, {everybody}"
            most = max(most, found["most"])
            await asyncio.sleep(0.02)
        slow.reads.set()
        beside = latencies(await sending, others)
        await load.delivered([await load.say(server)], 30)
        assert slow.closes == [1013]
        await load.settle(60)
        assert not any(follower.closes for follower in others)
        # It was held for the slow one, and it was bounded.
        assert OUTBOX_BYTES / 2 < most < OUTBOX_BYTES + FRAME_BYTES
        before, after = p99(alone), p99(beside)
        note(f"p99 of the others: {before * 1000:.1f} ms alone, {after * 1000:.1f} ms beside it")
        # In the short form the one per cent are a handful, and say nothing.
        assert after < before * (1.2 if size.is_full else 3)
        truth = await fleet.truth(load.channel_id)
    report(load.record.check(f"a reader stops under {size.slow_messages} messages", 1, truth))


async def through(load: Load, count: int) -> list[Call]:
    """Send so many messages, a few at a time."""
    calls: list[Call] = []

    async def send() -> None:
        while len(calls) < count:
            call = await load.say(load.servers[0])
            calls.append(call)

    await asyncio.gather(*(send() for _ in range(4)))
    return calls


def latencies(calls: list[Call], followers: list[Follower]) -> list[float]:
    """Seconds from sending to each delivery."""
    sent = {call.client_id: call.sent_at for call in calls}
    return [
        delivery.at - sent[delivery.content]
        for follower in followers
        for delivery in follower.heard.deliveries
        if delivery.content in sent
    ]


def p99(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=100)[-1]
