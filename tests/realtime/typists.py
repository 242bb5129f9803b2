"""Those who type, and those who hear of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from storage import events
from storage.events import Typed
from tests.realtime.following import TYPING
from tests.world import Operation, Person, World, until

LAST = "the last"
TYPE = "mutation ($id: ID!, $is: Boolean! = true) { setTyping(channelId: $id, isTyping: $is) }"


@asynccontextmanager
async def heard_by(person: Person, channel: str) -> AsyncIterator[Operation]:
    async with person.socket() as socket:
        before = person.world.followers(channel)
        operation = await socket.subscribe(TYPING, id=channel)
        await person.world.followed(channel, before + 1)
        yield operation


@asynccontextmanager
async def notified(world: World, channel: str) -> AsyncIterator[list[Typed]]:
    """What is told to all processes of typing in a channel while this lasts."""
    told: list[Typed] = []
    connection = await asyncpg.connect(world.settings.database_url)

    def hear(_: object, __: object, ___: object, payload: object) -> None:
        told.extend(
            hint
            for hint in events.heard(str(payload))
            if isinstance(hint, Typed) and hint.channel_id in (channel, LAST)
        )

    await connection.add_listener(events.NOTIFY_CHANNEL, hear)
    try:
        yield told
    finally:
        await connection.close()


async def rung(world: World, told: list[Typed]) -> None:
    """Return when everything rung before this was notified."""
    last = Typed(LAST, world.carol.id, False)
    world.services.live.bell.ring(last)
    await until(lambda: told[-1:] == [last])
    told.pop()


def words(told: list[Typed]) -> list[Typed]:
    """What was told, however old it was."""
    return [hint._replace(age=0) for hint in told]


def typed(channel: str, person: Person, is_typing: bool) -> dict[str, Any]:
    return {
        "typing": {"channelId": channel, "isTyping": is_typing, "user": {"id": person.id}},
    }
