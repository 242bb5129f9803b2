"""Those who follow something by a process whose reads are counted."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import orjson

from execution.requests import Request
from resolvers.viewer import sign_in
from storage.errors import Refusal
from tests.loaders.counting import Counted
from tests.world import data_of


class Kept:
    """A sink that keeps what it is sent."""

    def __init__(self) -> None:
        self._sent: asyncio.Queue[bytes] = asyncio.Queue()

    def send(self, payload: bytes, signal: object) -> None:
        self._sent.put_nowait(payload)

    def end(self, reason: Refusal) -> None:
        raise AssertionError(reason)

    async def ready(self) -> None:
        pass

    async def next(self) -> Any:
        async with asyncio.timeout(20):
            return data_of(orjson.loads(await self._sent.get()))


@asynccontextmanager
async def following(
    counted: Counted, query: str, people: list[str], **variables: Any
) -> AsyncIterator[list[Kept]]:
    """Everybody follows the same by the counting process."""
    prepared = counted.engine.prepare(Request(query, variables, None, "counted"))
    async with AsyncExitStack() as stack:
        inboxes = []
        for person in people:
            viewer = await sign_in(counted.services, person, 60)
            subscription = await counted.engine.subscribe(prepared, viewer)
            inboxes.append(Kept())
            await subscription.stream.run(subscription.cohort_key, subscription.render, inboxes[-1])
            stack.callback(subscription.stream.close)
        yield inboxes
