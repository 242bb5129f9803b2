"""PostgreSQL as a child process: a cluster, a port and a password of its own."""

import asyncio
import pwd
import secrets
import shutil
import signal
import socket
from pathlib import Path

import asyncpg
import psutil

from server.embedded import system_user
from server.embedded.processes import BrokenError, Child, EmbeddedError, Processes

ROLE = DATABASE = "backchannel"

PATIENCE = 30.0
"""Seconds from the start to the first answer; recovery from a crash lies between."""

PORT_TAKEN = "could not create any TCP/IP sockets"


class EmbeddedPostgres:
    """A PostgreSQL 18 on 127.0.0.1 that keeps everything in ``folder``."""

    def __init__(self, folder: Path, processes: Processes, *, durable: bool = True) -> None:
        """Nothing is started yet. Without ``durable`` a power cut may cost data; a kill never."""
        self._folder = folder.resolve()
        self._data = self._folder / "data"
        self._processes = processes
        self._durable = durable
        self._user: pwd.struct_passwd | None = None
        self._password = ""
        self._port = 0
        self._child: Child | None = None

    @property
    def url(self) -> str:
        """Where it is, password included; the same after a restart."""
        return self._url(DATABASE)

    @property
    def child(self) -> Child:
        """The postmaster."""
        if self._child is None:
            raise RuntimeError("PostgreSQL has not been started")
        return self._child

    async def start(self) -> None:
        """Start it, with a new cluster if there is none; return when it answers.

        Raises EmbeddedError when it does not come up.
        """
        self._user = await asyncio.to_thread(system_user.unprivileged, self._folder)
        if not self._data.exists():
            await self._make_cluster()
        self._password = (self._folder / "password").read_text(encoding="utf-8")
        self._remove_stale_pid_file()
        if self._port:
            await self._run()
            return
        # A free port is free until somebody takes it, so one failure is no failure.
        for last in (False, False, True):
            self._port = _free_port()
            try:
                await self._run()
            except EmbeddedError as error:
                if last or PORT_TAKEN not in str(error):
                    raise
            else:
                return

    async def stop(self) -> None:
        """End it in good order."""
        await self.child.stop()

    async def kill(self) -> None:
        """End it as a crash would."""
        await self.child.kill()

    async def restart(self) -> None:
        """Start it again after ``stop`` or ``kill``: the same URL, the same data."""
        await self.start()

    async def _make_cluster(self) -> None:
        unfinished = self._folder / "unfinished"
        password = self._folder / "password"
        if unfinished.exists():
            await asyncio.to_thread(shutil.rmtree, unfinished)
        password.touch(mode=0o600)
        password.write_text(secrets.token_urlsafe(24), encoding="utf-8")
        system_user.give(password, self._user)
        initdb = self._processes.start(
            "postgres",
            [
                system_user.PROGRAMS / "initdb",
                *("--pgdata", unfinished),
                *("--username", ROLE),
                *("--pwfile", password),
                *("--auth", "scram-sha-256"),
                *("--encoding", "UTF8", "--locale", "C"),
                # Sorting and upper case are the same on every machine.
                *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"),
                *(() if self._durable else ("--no-sync",)),
            ],
            folder=self._folder,
            user=self._user,
        )
        if await initdb.wait() != 0:
            raise EmbeddedError(f"PostgreSQL cannot make its cluster: {initdb.complaint()}")
        # What is called data is whole: an interrupted initdb leaves only something to throw away.
        unfinished.rename(self._data)

    def _remove_stale_pid_file(self) -> None:
        """PostgreSQL does so itself, unless another process has got the number since."""
        pid_file = self._data / "postmaster.pid"
        if pid_file.exists():
            pid = pid_file.read_text(errors="replace").partition("\n")[0]
            if not pid.isdigit() or psutil.pid_exists(int(pid)):
                pid_file.unlink()

    async def _run(self) -> None:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self._port,
            # A path may be too long for a socket.
            "unix_socket_directories": "",
        }
        if not self._durable:
            # No more than this: what is committed still has to survive a kill.
            settings["fsync"] = "off"
        self._child = self._processes.start(
            "postgres",
            [
                system_user.PROGRAMS / "postgres",
                *("-D", self._data),
                *(word for name, value in settings.items() for word in ("-c", f"{name}={value}")),
            ],
            stop_signal=signal.SIGINT,
            folder=self._folder,
            user=self._user,
        )
        try:
            async with asyncio.timeout(PATIENCE):
                if await self._answers(self._child):
                    return
            reason = self._child.complaint()
        except TimeoutError:
            reason = "it runs but does not answer"
        except asyncpg.PostgresError as error:
            reason = str(error).partition("\n")[0]
        # Not stop: a damaged one may take its time, or for ever.
        await self._child.kill()
        raise BrokenError(f"PostgreSQL cannot be started: {reason}")

    async def _answers(self, child: Child) -> bool:
        """Wait until it does; False if it has ended without."""
        while not child.has_ended:
            try:
                connection = await asyncpg.connect(self._url(DATABASE), ssl=False)
            except asyncpg.InvalidCatalogNameError:
                await self._make_database()
            except (ConnectionError, asyncpg.CannotConnectNowError):
                await asyncio.sleep(0.02)
            else:
                await connection.close()
                return True
        return False

    async def _make_database(self) -> None:
        connection = await asyncpg.connect(self._url("postgres"), ssl=False)
        try:
            await connection.execute(f"create database {DATABASE}")
        finally:
            await connection.close()

    def _url(self, database: str) -> str:
        return f"postgresql://{ROLE}:{self._password}@127.0.0.1:{self._port}/{database}"


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
