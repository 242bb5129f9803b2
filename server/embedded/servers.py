"""PostgreSQL, MongoDB and S3 together, in one data directory."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal, Protocol

from server.embedded.folder import claimed, empty, explained
from server.embedded.mongo import EmbeddedMongo
from server.embedded.postgres import EmbeddedPostgres
from server.embedded.processes import Child, EmbeddedError, Processes
from server.embedded.s3 import EmbeddedS3

Name = Literal["postgres", "mongo", "s3"]
ALL: tuple[Name, ...] = ("postgres", "mongo", "s3")

SHORT_LIFE = 5.0
"""Seconds a server that was started again has to stay, or there is no use in it."""


class Server(Protocol):
    """What PostgreSQL, MongoDB and S3 have in common here."""

    @property
    def child(self) -> Child:
        """The running process."""

    async def start(self) -> None:
        """Start it and return when it answers; the same address as before, if there was one."""


class EmbeddedServers:
    """The servers of one directory; each can be stopped, killed and restarted alone."""

    def __init__(self, folder: Path, processes: Processes, *, durable: bool) -> None:
        """Nothing is started yet."""
        self.folder = folder
        self._started: list[Name] = []
        self.postgres = EmbeddedPostgres(folder / "postgres", processes, durable=durable)
        self.mongo = EmbeddedMongo(folder / "mongo", processes)
        self.s3 = EmbeddedS3(folder / "s3", processes)

        self._all: dict[Name, Server] = {
            "postgres": self.postgres,
            "mongo": self.mongo,
            "s3": self.s3,
        }

    async def start(self, names: Collection[Name]) -> None:
        """Start these at the same time. Raises the first failure; the rest is then unfinished."""
        self._started += names
        await _together(self._all[name].start() for name in names)

    async def keep_up(self, say: Callable[[Name], None]) -> None:
        """Start again whichever ends of those that were started, after saying so.

        Runs until cancelled. Raises EmbeddedError if one cannot be started again or does not stay.
        """
        await _together(self._keep_up(name, say) for name in self._started)

    async def _keep_up(self, name: Name, say: Callable[[Name], None]) -> None:
        server = self._all[name]
        restarted = -math.inf
        while True:
            await server.child.wait()
            if time.monotonic() - restarted < SHORT_LIFE:
                raise EmbeddedError(f"{name} keeps ending: {server.child.complaint()}")
            say(name)
            await server.start()
            restarted = time.monotonic()


@asynccontextmanager
async def embedded_servers(
    folder: Path, *, names: Collection[Name] = ALL, durable: bool = True, reset: bool = False
) -> AsyncIterator[EmbeddedServers]:
    """Run servers in ``folder`` until the context ends; not even kill -9 leaves one running.

    The directory is made if it is missing, and emptied first with ``reset``.
    Without ``durable`` a power cut may cost data; a kill never does. Raises
    EmbeddedError, one line to show, if the directory is in use or unusable or a
    server does not come up.
    """
    async with claimed(folder) as lock:
        with explained(folder):
            if reset:
                await asyncio.to_thread(empty, folder)
            logs = folder / "logs"
            logs.mkdir(exist_ok=True)
        processes = Processes(logs, keep_open=(lock,))
        try:
            with explained(folder):
                servers = EmbeddedServers(folder, processes, durable=durable)
                await servers.start(names)
            yield servers
        finally:
            await processes.close()


async def _together(doings: Iterable[Coroutine[None, None, None]]) -> None:
    try:
        async with asyncio.TaskGroup() as group:
            for doing in doings:
                group.create_task(doing)
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
