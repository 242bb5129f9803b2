"""Asking for people's presence, and being told of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from tests.operations import do
from tests.world import Operation, Person, Socket, until

SHOWN = "{ status statusText statusEmoji lastSeenAt }"
WATCH = f"""
subscription ($ids: [ID!]!) {{
  presenceChanged(userIds: $ids) {{ user {{ id }} presence {SHOWN} }}
}}
"""


async def presence(viewer: Person, person: Person) -> dict[str, Any]:
    found = await do(viewer, "user", f"{{ presence {SHOWN} }}", id=person.id)
    shown: dict[str, Any] = found["presence"]
    return shown


async def status(viewer: Person, person: Person) -> str:
    found: str = (await presence(viewer, person))["status"]
    return found


async def becomes(look: Callable[[], Awaitable[Any]], wanted: Any) -> None:
    """Return when this is so in the database, which tells nobody."""
    async with asyncio.timeout(10):
        while await look() != wanted:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def until_online(viewer: Person, person: Person) -> None:
    """Return when the person is shown as online."""
    await becomes(partial(status, viewer, person), "ONLINE")


@asynccontextmanager
async def online(person: Person) -> AsyncIterator[Socket]:
    """A socket of theirs, when everybody has been told of it."""
    async with person.socket() as socket:
        await until_online(person, person)
        yield socket


@asynccontextmanager
async def watching(viewer: Person, *people: Person) -> AsyncIterator[Operation]:
    """The viewer is told of these people's changes."""
    by_person = viewer.world.services.live.watches.by_person
    before = {person.id: len(by_person.get(person.id, ())) for person in people}
    async with viewer.socket() as socket:
        operation = await socket.subscribe(WATCH, ids=[person.id for person in people])
        await until(lambda: all(len(by_person.get(id, ())) > n for id, n in before.items()))
        yield operation


async def told(operation: Operation, person: Person) -> dict[str, Any]:
    """What is told next, which is of this person."""
    event = (await operation.next())["presenceChanged"]
    assert event["user"]["id"] == person.id
    shown: dict[str, Any] = event["presence"]
    return shown


async def set_presence(person: Person, status: str) -> Any:
    return (await do(person, "setPresence", SHOWN, status=status))["status"]
