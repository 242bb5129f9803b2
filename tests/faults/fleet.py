"""Servers in processes of their own, on one company, for tests that break something."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, cast

import asyncpg
import httpx
import jwt
import psutil
from pymongo import AsyncMongoClient
from sqlalchemy.engine import make_url

from server.embedded.processes import Child, Processes
from server.embedded.servers import EmbeddedServers, embedded_servers
from server.migrate import migrate
from server.section import variable
from server.settings import Settings
from tests.faults.program import CLOCK, DIE
from tests.faults.record import Truth
from tests.proxy import Proxy
from tests.world import NO_LIMITS, PLAIN, SECRET, Person, World, free_port, populate

ROOT = Path(__file__).parent.parent.parent
PATIENCE = 50.0
HOUR = 3600.0
OUTBOX_BYTES = 262_144
KEEPALIVE_SECONDS = 2.0


class Branch(World):
    """The company by way of one process, whatever clock that has."""

    def token(self, user_id: str, **claims: Any) -> str:
        """A token for this id, good for three hours and of no known age."""
        expires_at = int(time.time() + claims.get("lifetime", 3 * 3600))
        return jwt.encode({"sub": user_id, "exp": expires_at}, SECRET, algorithm="HS256")

    def people_changed(self) -> None:
        """Nobody here searches for people, and the process could not be told."""


@dataclass
class Server:
    """A Backchannel process."""

    world: World
    """The company by way of this process; ``services`` are out of reach."""
    child: Child
    log: Path

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.world.port

    async def probe(self) -> Any:
        """What the process holds; see ``tests.faults.program``."""
        return (await self.world.http.get("/probe", timeout=10)).json()

    async def outbox(self) -> Any:
        """How many ``sockets`` there are, and the ``most`` bytes kept for one of them."""
        return (await self.world.http.get("/outbox", timeout=10)).json()

    async def is_ready(self) -> bool:
        """Whether it answers."""
        try:
            return (await self.world.http.get("/readyz", timeout=2)).status_code == 200
        except httpx.TransportError:
            return False

    async def kill(self) -> None:
        """kill -9."""
        await self.child.kill()

    def terminate(self) -> None:
        """What an operator's tools do first."""
        os.kill(self.child.pid, signal.SIGTERM)


@dataclass
class Fleet:
    """PostgreSQL, MongoDB and S3 behind lines that can be cut, and the servers on them."""

    backing: EmbeddedServers
    processes: Processes
    folder: Path
    settings: dict[str, Any]
    mongo: Any
    ids: dict[str, str]
    bell_line: Proxy
    mongo_line: Proxy
    s3_line: Proxy
    clients: AsyncExitStack
    """Open for as long as everything is."""
    servers: dict[str, Server] = field(default_factory=dict)

    @classmethod
    @asynccontextmanager
    async def running(cls, folder: Path) -> AsyncIterator[Self]:
        """A company without a server yet."""
        async with AsyncExitStack() as stack:
            backing = await stack.enter_async_context(embedded_servers(folder, durable=False))
            url = make_url(backing.postgres.url)

            async def line(port: int | None) -> Proxy:
                return await stack.enter_async_context(Proxy.to("127.0.0.1", port or 0))

            bell_line = await line(url.port)
            mongo_line = await line(backing.mongo.port)
            s3_line = await line(backing.s3.port)
            # The servers go first: without their lines they would take long over it.
            processes = Processes(folder / "logs")
            stack.push_async_callback(processes.close)
            await asyncio.to_thread(migrate, backing.postgres.url)
            client = await stack.enter_async_context(AsyncMongoClient[Any](backing.mongo.url))
            mongo = client[backing.mongo.database]
            bell_url = url.set(port=bell_line.port).render_as_string(hide_password=False)
            settings = {
                "database_url": backing.postgres.url,
                "listen_url": bell_url,
                "mongo_url": f"mongodb://127.0.0.1:{mongo_line.port}",
                "mongo_database": backing.mongo.database,
                "s3_endpoint_url": f"http://127.0.0.1:{s3_line.port}",
                "s3_region": backing.s3.region,
                "s3_access_key_id": backing.s3.access_key_id,
                "s3_secret_access_key": backing.s3.secret_access_key,
                "s3_bucket": backing.s3.bucket,
                "s3_path_style": True,
                "jwt_secret": SECRET,
                "log_level": "warning",
                # Channels that tests make are nobody else's business.
                "directory_channels": "none",
                # Soon, so that tests need not wait for it.
                "session_cache_seconds": 0.5,
                "profile_cache_seconds": 0.5,
                # It is there, however busy the machine is.
                "mongo_timeout": 20,
                "socket_outbox_bytes": OUTBOX_BYTES,
                **NO_LIMITS,
            }
            ids = await populate(mongo)
            clients = await stack.enter_async_context(AsyncExitStack())
            yield cls(
                backing,
                processes,
                folder,
                settings,
                mongo,
                ids,
                bell_line=bell_line,
                mongo_line=mongo_line,
                s3_line=s3_line,
                clients=clients,
            )

    async def start(
        self, name: str, *, environment: dict[str, str] | None = None, **changes: Any
    ) -> Server:
        """Start a server and return when it is ready."""
        given = {**self.settings, "port": free_port(), **changes}
        child = self.processes.start(
            name,
            [sys.executable, "-P", "-m", "tests.faults.program"],
            folder=self.folder,
            environment={
                **{variable(key): str(value) for key, value in given.items()},
                "PYTHONPATH": os.pathsep.join([str(ROOT), *map(os.path.abspath, sys.path)]),
                **(environment or {}),
            },
        )
        http = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{given['port']}", timeout=10, verify=PLAIN
        )
        await self.clients.enter_async_context(http)
        world = Branch(
            given["port"], Settings(**given), cast(Any, None), http, self.mongo, self.ids
        )
        server = Server(world, child, self.folder / "logs" / f"{name}.log")
        deadline = time.monotonic() + PATIENCE
        while not await server.is_ready():
            assert not child.has_ended, child.complaint()
            assert time.monotonic() < deadline, f"{name} does not get ready: {child.complaint()}"
            await asyncio.sleep(0.05)
        self.servers[name] = server
        return server

    @asynccontextmanager
    async def another(self, name: str, **options: Any) -> AsyncIterator[Server]:
        """A server for as long as the block lasts."""
        server = await self.start(name, **options)
        try:
            yield server
        finally:
            del self.servers[name]
            if not server.child.has_ended:
                await server.child.stop()

    async def get(self, name: str, **options: Any) -> Server:
        """The server of this name, started if it is not there or has been killed."""
        server = self.servers.get(name)
        if server is None or server.child.has_ended:
            server = await self.start(name, **options)
        return server

    async def pair(self) -> tuple[Server, Server]:
        """Two servers as they should be."""
        first, second = await asyncio.gather(self.get("one"), self.get("two"))
        return first, second

    async def other(self) -> Server:
        """A server that notices within a few seconds that a client has vanished."""
        return await self.get("other", socket_keepalive_seconds=KEEPALIVE_SECONDS)

    @property
    def fatal(self) -> Path:
        """While this file exists, the odd server dies between a commit and its hint."""
        return self.folder / "fatal"

    async def odd(self) -> Server:
        """A server whose clock is an hour ahead, which has a pool of two connections and which
        can be made to die. One for all that, because to start one costs seconds.
        """
        environment = {CLOCK: str(HOUR), DIE: str(self.fatal)}
        pool = {"database_pool_min": 1, "database_pool_max": 2}
        return await self.get("odd", environment=environment, **pool)

    def person(self, key: str, server: Server) -> Person:
        """Somebody, by way of this server."""
        return Person(server.world, key, self.ids[key])

    async def kill_postgres(self) -> None:
        """kill -9, the postmaster and every backend: as a machine that loses power."""
        postmaster = self.backing.postgres.child
        backends = psutil.Process(postmaster.pid).children(recursive=True)
        os.kill(postmaster.pid, signal.SIGKILL)
        for backend in backends:
            if backend.is_running():
                backend.kill()
        await postmaster.wait()

    @contextmanager
    def silent_postgres(self) -> Iterator[None]:
        """For as long as the block lasts, connections stay open and nothing is answered."""
        postmaster = psutil.Process(self.backing.postgres.child.pid)
        stopped = [postmaster, *postmaster.children(recursive=True)]
        for process in stopped:
            process.suspend()
        try:
            yield
        finally:
            for process in stopped:
                process.resume()

    async def ask(self, query: str, *args: Any) -> list[asyncpg.Record]:
        """Ask PostgreSQL, past all lines and servers."""
        connection = await asyncpg.connect(self.backing.postgres.url)
        try:
            return await connection.fetch(query, *args)
        finally:
            await connection.close()

    async def truth(self, channel_id: str) -> Truth:
        """What is stored of a channel."""
        [head] = await self.ask("select position from channels where id = $1", channel_id)
        rows = await self.ask(
            "select position, id::text, content from messages"
            " where channel_id = $1 and content_type <> 'SYSTEM' order by position",
            channel_id,
        )
        return Truth(head[0], {row[0]: (row[1], row[2].split(" ", 1)[0]) for row in rows})
