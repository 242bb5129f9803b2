"""What the tests of hostile requests may ask for."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson
import psutil
import pytest

from tests.program import Program
from tests.program import program as running
from tests.world import World

SENDS = 20
EXPECTED = ("Invalid HTTP", "Unsupported upgrade", "No supported WebSocket", "bell.")
"""uvicorn has lines of fixed words for what is no HTTP, or HTTP that it does not speak. On a busy
machine an echo takes longer than the watchdog of the bell waits."""
NOTES: list[str] = []
"""Lines for the end of the report."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in NOTES:
        terminalreporter.write_line(line)


@pytest.fixture(scope="package")
async def program(world: World) -> AsyncIterator[Program]:
    """A server in a process of its own, with a limit on how much is sent."""
    with TemporaryDirectory(prefix="backchannel-tests-") as folder:
        log = Path(folder) / "server.log"
        async with running(world, log, rate_sends=SENDS) as program:
            yield program


@pytest.fixture
def silence(program: Program) -> Iterator[None]:
    """Whatever is done, nobody has to be woken: no error, no traceback, no process that died."""
    before = program.log.stat().st_size
    yield
    with program.log.open("rb") as log:
        log.seek(before)
        for line in log:
            told = orjson.loads(line)
            is_expected = told["event"].startswith(EXPECTED)
            assert told["level"] == "info" or is_expected, line
            assert "stack" not in told
    assert psutil.pid_exists(program.pid)
