"""A server under measurement: a process on a core of its own, and what it uses."""

import asyncio
import os
import platform
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

SERVER_CORE = 0
LOAD_CORE = 1
"""The load, and PostgreSQL and MongoDB with it, stay off the server's core where there are two."""

START_SECONDS = 60.0


@dataclass
class Usage:
    """What a block of work took of a process."""

    cpu: float = 0.0
    """Seconds, of user and system together."""
    wall: float = 0.0


@dataclass
class Contender:
    """A running server."""

    name: str
    port: int
    process: psutil.Process
    ready_after: float
    """Seconds from starting the process to its first answer."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cpu(self) -> float:
        """Seconds of CPU used so far, workers included."""
        return sum(map(_cpu, [self.process, *self.process.children(recursive=True)]))

    def memory(self) -> int:
        """Bytes that belong to this process alone."""
        info = self.process.memory_full_info()
        return int(info.uss)

    @contextmanager
    def metered(self) -> Iterator[Usage]:
        """What the block takes of the server."""
        usage = Usage()
        cpu, wall = self.cpu(), time.perf_counter()
        yield usage
        usage.cpu, usage.wall = self.cpu() - cpu, time.perf_counter() - wall


def _cpu(process: psutil.Process) -> float:
    """Seconds: by the clock that Linux has for each process, where psutil knows hundredths."""
    if platform.system() == "Linux":
        return time.clock_gettime((~process.pid << 3) | 2)
    times = process.cpu_times()
    return times.user + times.system


def stay_off_the_servers_core() -> None:
    """Called once by the process that makes the load, before it starts anything else."""
    if hasattr(os, "sched_setaffinity") and len(os.sched_getaffinity(0)) > 1:
        os.sched_setaffinity(0, os.sched_getaffinity(0) - {SERVER_CORE})


@asynccontextmanager
async def running(
    name: str,
    command: Sequence[str],
    port: int,
    *,
    log: Path,
    environment: Mapping[str, str] | None = None,
    ready: str = "/readyz",
    core: int = SERVER_CORE,
) -> AsyncIterator[Contender]:
    """Start a server on its core and wait until ``ready`` answers; end it with the block. One
    that is not measured but makes work for another belongs on the load's.
    """

    def pin() -> None:
        if hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > 1:
            os.sched_setaffinity(0, {core})

    began = time.perf_counter()
    with log.open("wb") as output:
        popen = subprocess.Popen(
            command,
            env={**os.environ, **(environment or {})},
            stdout=output,
            stderr=output,
            preexec_fn=pin,
        )
    try:
        async with httpx.AsyncClient() as http:
            while True:
                try:
                    await http.get(f"http://127.0.0.1:{port}{ready}")
                    break
                except httpx.TransportError:
                    if popen.poll() is not None or time.perf_counter() - began > START_SECONDS:
                        raise SystemExit(f"{name} does not start:\n{log.read_text()}") from None
                await asyncio.sleep(0.01)
        yield Contender(name, port, psutil.Process(popen.pid), time.perf_counter() - began)
    finally:
        popen.terminate()
        try:
            await asyncio.to_thread(popen.wait, 15)
        except subprocess.TimeoutExpired:
            popen.kill()
            await asyncio.to_thread(popen.wait)


def python(module: str) -> list[str]:
    """How a program of ours is started."""
    return [sys.executable, "-m", module]
