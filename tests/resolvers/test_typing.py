"""Typing: who may tell it, who hears of it, and when it ends."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.operations import denied, do, document, nothing_happens
from tests.world import Operation, Person, World

TYPING = document("typing", ["channelId"], "{ channelId isTyping user { id name } }")


@asynccontextmanager
async def hearing(world: World, person: Person, id: str) -> AsyncIterator[Operation]:
    async with person.socket() as socket:
        operation = await socket.subscribe(TYPING, channelId=id)
        await world.followed(id, world.followers(id) + 1)
        yield operation


def typed(id: str, person: Person, name: str, is_typing: bool) -> Any:
    user = {"id": person.id, "name": name}
    return {"typing": {"channelId": id, "isTyping": is_typing, "user": user}}


async def test_the_others_hear_of_typing_and_of_its_end(world: World) -> None:
    id = await world.carol.create_channel(world.dave)
    async with hearing(world, world.dave, id) as heard:
        assert await do(world.carol, "setTyping", channelId=id.upper()) is True
        assert await heard.next() == typed(id, world.carol, "Carol Clark", True)
        assert await do(world.carol, "setTyping", channelId=id, isTyping=False) is False
        assert await heard.next() == typed(id, world.carol, "Carol Clark", False)


async def test_a_sent_message_ends_it(world: World) -> None:
    id = await world.carol.create_channel(world.dave)
    async with hearing(world, world.dave, id) as heard:
        await do(world.carol, "setTyping", channelId=id, isTyping=True)
        assert await heard.next() == typed(id, world.carol, "Carol Clark", True)
        await world.carol.say(id)
        assert await heard.next(seconds=1) == typed(id, world.carol, "Carol Clark", False)


async def test_nobody_hears_of_their_own(world: World) -> None:
    id = await world.carol.create_channel(world.dave)
    async with hearing(world, world.carol, id) as heard:
        await do(world.carol, "setTyping", channelId=id)
        await do(world.dave, "setTyping", channelId=id)
        assert await heard.next() == typed(id, world.dave, "Dave Davis", True)
        assert heard.is_silent


async def test_saying_it_again_is_told_once(world: World) -> None:
    id = await world.carol.create_channel(world.dave, world.erin)
    async with hearing(world, world.dave, id) as heard:
        for _ in range(3):
            await do(world.carol, "setTyping", channelId=id)
        await do(world.erin, "setTyping", channelId=id)
        assert await heard.next() == typed(id, world.carol, "Carol Clark", True)
        assert await heard.next() == typed(id, world.erin, "Erin Evans", True)
        assert heard.is_silent


async def test_nobody_is_typing_where_they_may_not_write(world: World) -> None:
    id = await world.carol.create_channel(isPrivate=False)
    async with nothing_happens(world, id, world.carol):
        assert (await denied(world.dave, "setTyping", channelId=id)).code == "FORBIDDEN"
        assert (await denied(world.frank, "setTyping", channelId=id)).code == "NOT_FOUND"
        stopped = await denied(world.dave, "setTyping", channelId=id, isTyping=False)
        assert stopped.code == "FORBIDDEN"


async def test_typing_is_written_nowhere(world: World) -> None:
    id = await world.carol.create_channel(world.dave)
    before = await world.state_of(id)
    await do(world.carol, "setTyping", channelId=id)
    assert await world.state_of(id) == before
