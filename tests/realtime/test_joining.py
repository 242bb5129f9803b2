"""Joining a channel that moves: real log, real follower, and rendering that waits to be told."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from realtime.cohorts import Signal
from realtime.source import Together
from realtime.stream import Stream
from storage import channels
from storage.errors import ErrorCode, Refusal
from storage.records import EventRecord
from tests.realtime.following import LEAVE, place, write
from tests.world import World, until


@dataclass
class Operation:
    """A subscription without a socket around it."""

    stream: Stream
    door: asyncio.Event
    asked: list[int] = field(default_factory=list)
    got: list[int] = field(default_factory=list)
    refusal: Refusal | None = None
    running: asyncio.Task[None] | None = None

    def start(self, cohort: str) -> None:
        self.running = asyncio.create_task(self.stream.run(cohort, self.render, self))

    async def render(self, signal: Signal, _: Together) -> bytes:
        assert isinstance(signal, EventRecord)
        self.asked.append(signal.position)
        await self.door.wait()
        return str(signal.position).encode()

    def send(self, payload: bytes, signal: object) -> None:
        self.got.append(int(payload))

    def end(self, reason: Refusal) -> None:
        self.refusal = reason
        self.stream.close()

    async def ready(self) -> None: ...


@dataclass
class Scene:
    """A channel of carol's with dave in it, and where its log stood at first."""

    world: World
    channel: str
    start: int

    async def join(
        self, cohort: str, *, after: int = 0, door: asyncio.Event | None = None, **more: Any
    ) -> Operation:
        """Somebody who follows the channel from ``after`` on, counted from the start."""
        record = (await channels.by_ids(self.world.database, [self.channel]))[self.channel]
        stream = self.world.services.live.stream(
            record, self.world.dave.id, position=self.start + after, is_guest=False
        )
        opened = asyncio.Event()
        opened.set()
        operation = Operation(stream, door or opened)
        operation.start(cohort)
        return operation

    async def say(self, count: int = 1) -> None:
        await write(self.world, self.channel, self.world.carol, ["Hello"] * count)

    def range(self, first: int, last: int) -> list[int]:
        """Positions, counted from the start."""
        return list(range(self.start + first, self.start + last + 1))


@pytest.fixture
async def scene(world: World) -> Scene:
    channel = await world.carol.create_channel(world.dave)
    return Scene(world, channel, place(channel, await world.carol.cursor(channel)).position)


async def left(scene: Scene, *operations: Operation) -> None:
    for operation in operations:
        operation.stream.close()
    await until(lambda: scene.channel not in scene.world.services.live.hub.topics)


@pytest.mark.parametrize("cohort", ["same", "another"])
@pytest.mark.parametrize("after", [0, 1, 2])
async def test_who_joins_while_an_event_is_rendered_gets_it_once(
    scene: Scene, cohort: str, after: int
) -> None:
    door = asyncio.Event()
    first = await scene.join("same", door=door)
    await scene.world.followed(scene.channel)
    await scene.say(2)
    await until(lambda: first.asked == scene.range(1, 1))
    second = await scene.join(cohort, after=after)
    if cohort == "another":
        await until(lambda: scene.world.followers(scene.channel) == 2)
    door.set()
    await scene.say()
    await until(lambda: first.got[-1:] == second.got[-1:] == scene.range(3, 3))
    assert first.got == scene.range(1, 3)
    assert second.got == scene.range(after + 1, 3)
    await left(scene, first, second)


async def test_what_happens_while_somebody_catches_up_is_caught_up_with(scene: Scene) -> None:
    """The first one in a topic: nobody here follows the log for them yet."""
    await scene.say(3)
    door = asyncio.Event()
    one = await scene.join("one", door=door)
    await until(lambda: one.asked == scene.range(1, 1))
    await scene.say(3)
    door.set()
    await until(lambda: len(one.got) == 6)
    assert one.got == scene.range(1, 6)
    await scene.say()
    await until(lambda: len(one.got) == 7)
    assert one.got == scene.range(1, 7)
    await left(scene, one)


async def test_a_slow_one_who_catches_up_does_not_keep_the_others_back(scene: Scene) -> None:
    await scene.say(3)
    never = asyncio.Event()
    slow = await scene.join("slow", door=never)
    await until(lambda: slow.asked == scene.range(1, 1))
    quick = await scene.join("quick", after=3)
    await scene.world.followed(scene.channel)
    await scene.say(2)
    await until(lambda: quick.got == scene.range(4, 5))
    assert slow.got == []
    never.set()
    await until(lambda: len(slow.got) == 5)
    assert slow.got == scene.range(1, 5)
    await left(scene, slow, quick)


async def test_who_lost_the_channel_while_catching_up_gets_nothing_after(scene: Scene) -> None:
    await scene.say(2)
    door = asyncio.Event()
    one = await scene.join("one", door=door)
    await until(lambda: one.asked == scene.range(1, 1))
    await scene.world.dave.run(LEAVE, channel=scene.channel)
    await scene.say(2)
    door.set()
    await until(lambda: one.refusal is not None)
    assert one.refusal is not None
    assert one.refusal.code is ErrorCode.FORBIDDEN
    # The two messages and the leaving itself.
    assert one.got == scene.range(1, 3)
    await left(scene, one)


async def test_who_is_cut_off_while_catching_up_leaves_nothing_behind(scene: Scene) -> None:
    await scene.say(3)
    one = await scene.join("one", door=asyncio.Event())
    await until(lambda: one.asked == scene.range(1, 1))
    assert one.running is not None
    one.running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await one.running
    assert scene.channel not in scene.world.services.live.hub.topics


async def test_two_who_begin_at_different_places_at_once_get_each_their_own(scene: Scene) -> None:
    await scene.say(3)
    joining = [await scene.join(str(after), after=after) for after in (3, 0, 2, 1)]
    await scene.say(2)
    await until(lambda: all(each.got[-1:] == scene.range(5, 5) for each in joining))
    assert [each.got for each in joining] == [scene.range(after + 1, 5) for after in (3, 0, 2, 1)]
    await left(scene, *joining)
