"""Servers written in Python, each a program of ours in a process of its own."""

import asyncio
import os
import sys
from pathlib import Path

from server.embedded.processes import BrokenError, Child, Processes

PATIENCE = 30.0
"""Seconds from the start to listening."""


class Program:
    """A module of this package run as a server on 127.0.0.1 that keeps everything in ``folder``."""

    def __init__(
        self, name: str, title: str, module: str, folder: Path, processes: Processes
    ) -> None:
        """Nothing is started yet."""
        self._name = name
        self._title = title
        self._module = module
        self._folder = folder.resolve()
        self._processes = processes
        self._child: Child | None = None
        self.port = 0

    @property
    def child(self) -> Child:
        """The running process."""
        if self._child is None:
            raise RuntimeError(f"{self._title} has not been started")
        return self._child

    async def start(self) -> None:
        """Start it and return when it listens; raises EmbeddedError when it does not come up."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        reading, writing = os.pipe()
        try:
            self._child = self._processes.start(
                self._name,
                [
                    sys.executable,
                    *("-P", "-m", self._module),
                    self._folder,
                    *("--port", str(self.port)),
                    *("--ready", str(writing)),
                ],
                folder=self._folder,
                # Its modules come from where ours did. It works elsewhere, so in whole paths.
                environment={"PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))},
                pass_fds=(writing,),
            )
        finally:
            os.close(writing)
        try:
            said = await asyncio.wait_for(_line(reading), PATIENCE)
        except TimeoutError:
            raise BrokenError(f"{self._title} started but does not listen") from None
        if not said:
            raise BrokenError(f"{self._title} cannot be started: {self._child.complaint()}")
        self.port = int(said)

    async def stop(self) -> None:
        """End it in good order."""
        await self.child.stop()

    async def kill(self) -> None:
        """End it as a crash would."""
        await self.child.kill()

    async def restart(self) -> None:
        """Start it again after ``stop`` or ``kill``: the same port, the same data."""
        await self.start()


async def _line(descriptor: int) -> bytes:
    """One line; nothing once nobody is left who could write one. Closes the descriptor."""
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb", buffering=0)
    )
    try:
        return await reader.readline()
    finally:
        transport.close()
