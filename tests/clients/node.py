"""Node, where it is there: programs with the packages that are locked beside them."""

import asyncio
import fcntl
import json
import os
import shutil
import subprocess
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

OLDEST = 20
"""What the packages need."""


def installed(folder: Path) -> Path:
    """The folder of a ``package-lock.json``, its packages in place: from the first time on, until
    another lock is there. Skips the test, saying why, where there is no Node or no way to them.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("Node is not there: install Node 20 or newer, with npm")
    version = subprocess.check_output([node, "--version"], text=True).strip()
    if int(version.removeprefix("v").partition(".")[0]) < OLDEST:
        pytest.skip(f"Node {version} is too old: install Node {OLDEST} or newer")
    wanted = sha256((folder / "package-lock.json").read_bytes()).hexdigest()
    mark = folder / "node_modules" / ".installed"
    with (folder / ".node_modules.lock").open("w") as lock:
        # One at a time; the others find it done.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not mark.exists() or mark.read_text() != wanted:
            install = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
            done = subprocess.run(install, cwd=folder, capture_output=True, text=True)
            if done.returncode:
                why = (
                    f"npm could not install what {folder.name} needs: {done.stderr.strip()[-300:]}"
                )
                # Where nobody looks at what was skipped, it has to be there.
                (pytest.fail if "CI" in os.environ else pytest.skip)(why)
            mark.write_text(wanted)
    return folder


@dataclass
class Program:
    """A program that runs: what it tells, one thing after the other."""

    process: asyncio.subprocess.Process

    async def line(self, seconds: float = 15.0) -> str:
        """The next line it writes."""
        assert self.process.stdout is not None
        async with asyncio.timeout(seconds):
            line = await self.process.stdout.readline()
        if not line:
            assert self.process.stderr is not None
            raise AssertionError((await self.process.stderr.read()).decode() or "It has ended.")
        return line.decode().rstrip("\n")

    async def tells(self) -> tuple[str, Any]:
        """The next: what it is, and its value."""
        what, value = json.loads(await self.line())
        return what, value

    async def value(self, what: str) -> Any:
        """The value of the next, which must be this."""
        told, value = await self.tells()
        assert told == what, (told, value)
        return value

    async def ends(self) -> list[tuple[str, Any]]:
        """What it tells until it has ended, without a complaint."""
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        async with asyncio.timeout(30):
            said = await self.process.stdout.read()
            complaint = (await self.process.stderr.read()).decode()
            assert not complaint, complaint
            assert await self.process.wait() == 0
        return [tuple(json.loads(line)) for line in said.splitlines()]


@asynccontextmanager
async def running(
    folder: Path, script: str, *arguments: str, **environment: str
) -> AsyncIterator[Program]:
    """A program in this folder; it ends with the block."""
    process = await asyncio.create_subprocess_exec(
        "node",
        script,
        *arguments,
        cwd=folder,
        env={**os.environ, **environment},
        stdout=PIPE,
        stderr=PIPE,
    )
    try:
        yield Program(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
