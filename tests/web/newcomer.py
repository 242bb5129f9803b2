"""A demo as a newcomer starts it."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]


@asynccontextmanager
async def running_demo(folder: Path) -> AsyncIterator[str]:
    """The address of GraphiQL in a demo of its own, in an empty folder, until the block ends."""
    command = [sys.executable, "-m", "server.cli", "demo", "--port", "0", "--data-dir", str(folder)]
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=PIPE)
    assert process.stdout
    try:
        async with asyncio.timeout(45):
            async for line in process.stdout:
                if b"is ready" in line:
                    break
        demo = json.loads((folder / "demo.json").read_text("utf-8"))
        assert isinstance(demo["graphiqlUrl"], str)
        yield demo["graphiqlUrl"]
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()
