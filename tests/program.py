"""A server as operators run it: a process of its own, beside the one in the tests' process."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import httpx
from pydantic import SecretStr

from server.section import variable
from tests.world import PLAIN, World, free_port

ROOT = Path(__file__).parent.parent
PATIENCE = 50.0


@dataclass
class Program:
    """``backchannel serve`` on a world's servers."""

    world: World
    """The company by way of this process; its ``services`` are out of reach."""
    pid: int
    log: Path

    def cpu_seconds(self) -> float:
        """What the process has worked so far, in all its threads."""
        # Linux's own number for the clock of another process's CPU time; psutil reads
        # a counter that moves a hundredth of a second at a time.
        return time.clock_gettime(~self.pid << 3 | 2)

    def forget_peak(self) -> int:
        """Let ``peak`` begin anew; answers what memory the process takes now, in bytes."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")
        return self._status("VmRSS")

    def peak(self) -> int:
        """The most memory the process has taken since ``forget_peak``, in bytes."""
        return self._status("VmHWM")

    def _status(self, name: str) -> int:
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        (kilobytes,) = (line.split()[1] for line in lines if line.startswith(f"{name}:"))
        return int(kilobytes) * 1024


@asynccontextmanager
async def program(world: World, log: Path, **changes: Any) -> AsyncIterator[Program]:
    """A process of its own for the same company, ready to answer."""
    settings = world.settings.model_copy(update={"port": free_port(), **changes})
    given = {name: getattr(settings, name) for name in settings.model_fields_set}
    with log.open("wb") as stream:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-c", "from server.cli import app; app()", "serve"),
            cwd=log.parent,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": os.pathsep.join([str(ROOT), *map(os.path.abspath, sys.path)]),
                **{variable(name): _text(value) for name, value in given.items()},
            },
            stderr=stream,
        )
    http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{settings.port}", timeout=20, verify=PLAIN)
    try:
        async with http:
            await _ready(http, process)
            served = World(settings.port, settings, cast(Any, None), http, world.mongo, world.ids)
            yield Program(served, process.pid, log)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _ready(http: httpx.AsyncClient, process: asyncio.subprocess.Process) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        assert process.returncode is None, "it ended; its log says why"
        assert time.monotonic() < deadline, "the server does not get ready"
        try:
            if (await http.get("/readyz")).status_code == 200:
                return
        except httpx.TransportError:
            pass
        await asyncio.sleep(0.02)


def _text(value: Any) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
