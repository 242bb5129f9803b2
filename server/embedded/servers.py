"""PostgreSQL, MongoDB and S3 together, in one data directory."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

from server.embedded.folder import claimed, empty, explained
from server.embedded.mongo import EmbeddedMongo
from server.embedded.postgres import EmbeddedPostgres
from server.embedded.processes import Processes
from server.embedded.s3 import EmbeddedS3

Name = Literal["postgres", "mongo", "s3"]
ALL: tuple[Name, ...] = ("postgres", "mongo", "s3")


class EmbeddedServers:
    """The servers of one directory; each can be stopped, killed and restarted alone."""

    def __init__(self, folder: Path, processes: Processes, *, durable: bool) -> None:
        """Nothing is started yet."""
        self.folder = folder
        self.postgres = EmbeddedPostgres(folder / "postgres", processes, durable=durable)
        self.mongo = EmbeddedMongo(folder / "mongo", processes)
        self.s3 = EmbeddedS3(folder / "s3", processes)

    async def start(self, names: Collection[Name]) -> None:
        """Start these at the same time. Raises the first failure; the rest is then unfinished."""
        starts = {
            "postgres": self.postgres.start,
            "mongo": self.mongo.start,
            "s3": self.s3.start,
        }
        try:
            async with asyncio.TaskGroup() as group:
                for name in names:
                    group.create_task(starts[name]())
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None


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
