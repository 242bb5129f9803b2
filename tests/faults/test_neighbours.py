"""MongoDB and S3 are down, slow, or answer nonsense: messages flow all the same."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from server.settings import Settings
from tests.faults.fleet import Fleet, Server
from tests.faults.load import Load
from tests.faults.record import Row
from tests.faults.size import SIZE, Size
from tests.files import begin, finish
from tests.world import Person, RefusedError

ANSWER_SECONDS = 2.0 * SIZE.slack

NONSENSE = {
    "as if in HTTP": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    "zeros": bytes(64),
    # A header of MongoDB's that promises a reply, and no reply.
    "half a reply": (64).to_bytes(4, "little")
    + bytes(8)
    + (2013).to_bytes(4, "little")
    + b"\xff" * 48,
}


@asynccontextmanager
async def broken(fleet: Fleet, how: str) -> AsyncIterator[None]:
    """Both neighbours at once."""
    lines = (fleet.mongo_line, fleet.s3_line)
    for line in lines:
        if how == "down":
            await line.cut()
        elif how == "slow":
            line.freeze()
        else:
            await line.babble(NONSENSE[how])
    try:
        yield
    finally:
        for line in lines:
            # Whatever had been connected has seen strange things.
            await line.cut()
            await line.mend()
        for server in fleet.servers.values():
            if not server.child.has_ended:
                await over(await server.world.new_person("Back again"))


@pytest.fixture(scope="module")
async def impatient(fleet: Fleet) -> AsyncIterator[tuple[Server, Server]]:
    """Two servers that give MongoDB as long as they do by default, and no longer."""
    limit = Settings.model_fields["mongo_timeout"].default
    async with (
        fleet.another("impatient-one", mongo_timeout=limit) as one,
        fleet.another("impatient-two", mongo_timeout=limit) as two,
    ):
        yield one, two


@pytest.mark.parametrize("how", ["down", "slow", *NONSENSE])
async def test_messages_flow_with_names_from_the_cache_and_nobody_new_is_let_in(
    fleet: Fleet,
    impatient: tuple[Server, Server],
    size: Size,
    report: Callable[[Row], None],
    how: str,
) -> None:
    seconds = max(2.0, size.load_seconds)
    async with Load.on(fleet, impatient, followers=size.followers, senders=size.senders) as load:
        [stranger, other] = [await newcomer(fleet, server, how) for server in impatient]
        forms = [
            await begin(fleet.person("carol", server), load.channel_id) for server in impatient
        ]
        await asyncio.sleep(size.load_seconds)
        async with broken(fleet, how):
            # What is remembered is older than it may be otherwise.
            await asyncio.sleep(0.6)
            await asyncio.gather(
                asyncio.sleep(seconds),
                *map(not_let_in, (stranger, other)),
                *(
                    not_taken(fleet.person("carol", server), form.attachment_id)
                    for server, form in zip(impatient, forms, strict=True)
                ),
            )
        await load.settle()
        assert load.interruptions() == 0
        # Every single one was answered, and with yes.
        assert len(load.record.acknowledged()) == len(load.record.calls)
        slowest = max(call.answered_at - call.sent_at for call in load.record.acknowledged())
        assert slowest < ANSWER_SECONDS
        assert load.slowest() < ANSWER_SECONDS
        assert load.senders_seen() == {"Carol Clark"}
        truth = await fleet.truth(load.channel_id)
    report(load.record.check(f"MongoDB and S3 {TITLES.get(how, f'nonsense: {how}')}", 1, truth))


TITLES = {"down": "down", "slow": "silent"}


async def newcomer(fleet: Fleet, server: Server, how: str) -> Person:
    """Somebody this server has never seen."""
    return await server.world.new_person(f"New when {how}")


async def not_taken(person: Person, attachment_id: str) -> None:
    began = time.monotonic()
    with pytest.raises(RefusedError) as refusal:
        await finish(person, attachment_id)
    assert refusal.value.code == "UNAVAILABLE"
    assert refusal.value.extensions["service"] == "s3"
    assert time.monotonic() - began < ANSWER_SECONDS


async def not_let_in(person: Person) -> None:
    began = time.monotonic()
    refusal = await person.refused("{ viewer { user { id } } }")
    assert (refusal.code, refusal.extensions["service"]) == ("UNAVAILABLE", "mongodb")
    assert time.monotonic() - began < ANSWER_SECONDS
    async with person.world.bare_socket() as socket:
        began = time.monotonic()
        await socket.send({"type": "connection_init", "payload": {"authorization": person.token}})
        # A code on which clients come again.
        assert await socket.closed() == 1013
        assert time.monotonic() - began < ANSWER_SECONDS


async def over(person: Person) -> None:
    """Return when this server lets somebody in again whom it has never seen."""
    async with asyncio.timeout(30):
        while (await person.post("{ viewer { user { id } } }")).get("errors"):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
