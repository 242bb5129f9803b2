"""What the tests of faults may ask for, and the table they print at the end."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.faults.fleet import Fleet, Server
from tests.faults.record import Row, table
from tests.faults.size import SIZE, Size

ROWS: list[Row] = []
NOTES: list[str] = []

FULL_TIMEOUT = 600
"""Seconds a test may take in the full form."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if SIZE.is_full and "faults" in item.path.parts:
            item.add_marker(pytest.mark.timeout(FULL_TIMEOUT))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if ROWS or NOTES:
        terminalreporter.section("faults")
    if ROWS:
        terminalreporter.write_line(table(ROWS))
    for line in NOTES:
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def size() -> Size:
    """How much of everything."""
    return SIZE


@pytest.fixture(scope="session")
async def fleet() -> AsyncIterator[Fleet]:
    """PostgreSQL, MongoDB and S3 that may be broken: nobody else uses them."""
    # Not pytest's own folder: another session of it takes the right to enter that away
    # from everybody else, PostgreSQL's user among them.
    with TemporaryDirectory(prefix="backchannel-faults-") as folder:
        async with Fleet.running(Path(folder)) as fleet:
            yield fleet


@pytest.fixture
async def pair(fleet: Fleet) -> tuple[Server, Server]:
    """Two servers on one database, whatever the tests before have done to them."""
    return await fleet.pair()


@pytest.fixture
async def odd(fleet: Fleet) -> Server:
    """A third server, which is not as it should be; see ``Fleet.odd``."""
    return await fleet.odd()


@pytest.fixture
def report() -> Callable[[Row], None]:
    """Adds a line to the table."""
    return ROWS.append


@pytest.fixture
def note() -> Callable[[str], None]:
    """Adds a line below the table."""
    return NOTES.append
