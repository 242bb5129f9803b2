"""What the tests of hostile requests may ask for."""

from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.program import Program
from tests.program import program as running
from tests.world import World

SENDS = 20


@pytest.fixture(scope="package")
async def program(world: World) -> AsyncIterator[Program]:
    """A server in a process of its own, with a limit on how much is sent."""
    with TemporaryDirectory(prefix="backchannel-tests-") as folder:
        log = Path(folder) / "server.log"
        async with running(world, log, rate_sends=SENDS) as program:
            yield program
