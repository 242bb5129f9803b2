"""Far more callers than connections."""

import asyncio
import time
from collections.abc import Callable

from tests.faults.fleet import Fleet, Server
from tests.faults.load import SEND, Load
from tests.faults.record import Row
from tests.faults.size import SIZE, Size
from tests.faults.test_servers import held, waiting

CALLERS = 200
FAST_SECONDS = 2.0 * SIZE.slack
"""A caller waits for a connection for one second at most."""
UNTOUCHED_SECONDS = 1.5 * SIZE.slack
SENDERS = 4
"""In either form: callers and followers are one process, whose own time must not be measured."""

# What an event shows may have to be read from PostgreSQL too.
DEEP = """
subscription ($id: ID!, $after: String) {
  channelEvents(channelId: $id, after: $after) {
    __typename
    cursor
    actor { name }
    ... on MessageSent {
      message { id content reactions { emoji } attachments { id } mentions { id } }
    }
  }
}
"""


async def test_two_hundred_callers_on_two_connections_are_told_so_and_the_stream_is_untouched(
    fleet: Fleet,
    pair: tuple[Server, Server],
    odd: Server,
    size: Size,
    report: Callable[[Row], None],
) -> None:
    carol = fleet.person("carol", odd)
    contested = await carol.create_channel()
    input = {"channelId": contested, "content": "in vain"}
    answers: list[tuple[float, str | None]] = []

    async def call() -> None:
        began = time.monotonic()
        answer = await carol.post(SEND, {"input": input})
        error = (answer.get("errors") or [{"extensions": {}}])[0]["extensions"]
        if error:
            assert (error["code"], error["service"]) == ("UNAVAILABLE", "postgres")
        answers.append((time.monotonic() - began, error.get("code")))

    async with Load.on(fleet, pair, followers=1, senders=SENDERS) as load:
        theirs = [
            load.follow(f"{number} on the small one", odd, query=DEEP)
            for number in range(size.followers)
        ]
        await load.settled()
        async with held(fleet, contested):
            first = [asyncio.create_task(call()) for _ in range(2)]
            await waiting(fleet, 2)
            for _ in range(size.times):
                began = time.monotonic()
                await asyncio.gather(*(call() for _ in range(CALLERS)))
                assert time.monotonic() - began < FAST_SECONDS
        await asyncio.gather(*first)
        await load.settle()
        assert load.slowest() < UNTOUCHED_SECONDS
        assert load.interruptions() == 0
        assert all(not follower.closes for follower in theirs)
        truth = await fleet.truth(load.channel_id)
    # Those who had a connection got through, the others were told, each of them.
    assert [code for _, code in answers].count(None) == 2
    assert len(answers) == 2 + size.times * CALLERS
    report(load.record.check("200 callers on a pool of 2", size.times, truth))
