"""A server whose line to MongoDB can be cut, and who may be found behind it."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Self

import pytest
from pymongo.uri_parser import parse_uri

from storage.errors import Refusal
from tests.proxy import Proxy
from tests.world import Person, World

TIMEOUT = 0.4
"""Seconds that one look into the directory may take here."""

BACKOFF = 0.3
"""Seconds for which a failure is believed without trying again; in service, a whole second."""

Outage = Callable[[Proxy], Awaitable[None]]


async def _cut(line: Proxy) -> None:
    await line.cut()


async def _freeze(line: Proxy) -> None:
    line.freeze()


OUTAGES = pytest.mark.parametrize("outage", [_cut, _freeze], ids=["dead", "silent"])


@dataclass
class Company:
    """A company with two servers: ``near`` always reaches MongoDB, ``far`` does by ``line``."""

    near: World
    far: World
    line: Proxy

    @classmethod
    @asynccontextmanager
    async def beside(cls, world: World) -> AsyncIterator[Self]:
        """A second server for this world. Nothing it knows of people is ever young enough."""
        url = world.settings.mongo_url
        ((host, port),) = parse_uri(url)["nodelist"]
        async with Proxy.to(host, port) as line:
            far = world.another_server(
                mongo_url=url.replace(f"{host}:{port}", f"127.0.0.1:{line.port}"),
                mongo_timeout=TIMEOUT,
                profile_cache_seconds=0.001,
                session_cache_seconds=0.001,
            )
            async with far as far_world:
                yield cls(world, far_world, line)
                await line.mend()

    def behind(self, person: Person) -> Person:
        """The same person as a user of the far server."""
        return Person(self.far, person.key, person.id)

    async def mend(self) -> None:
        """Return when the far server reaches MongoDB again."""
        await self.line.mend()
        async with asyncio.timeout(20):
            while True:
                with contextlib.suppress(Refusal):
                    return await self.far.services.directory.ping()
                await asyncio.sleep(0.02)


@contextmanager
def at_most(seconds: float = 2 * TIMEOUT + 3.0) -> Iterator[None]:
    """Fail when the block takes longer: as a rule, than two looks into the directory."""
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds
