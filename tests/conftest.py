"""What every test may ask for."""

import functools
import gc
import os
import re
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import hypothesis
import pytest
from botocore.loaders import JSONFileLoader, Loader
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from server import janitor
from server.serve import YOUNG
from tests.servers import Fresh, Servers, running
from tests.world import World

# Settings of the one who runs the tests are not the tests' settings,
# and what is on this machine is not asked for through a proxy.
FOR_TESTS = ("BACKCHANNEL_TEST_", "BACKCHANNEL_CHROMIUM")
for _name in list(os.environ):
    if _name.startswith("BACKCHANNEL_") and not _name.startswith(FOR_TESTS):
        del os.environ[_name]
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"

for _number in (signal.SIGHUP, signal.SIGINT):
    if signal.getsignal(_number) == signal.SIG_IGN:
        # As under nohup and in a shell's background. We go on ignoring it; the programs that
        # tests start begin as they do anywhere.
        signal.signal(_number, lambda *_: None)

# How long an example takes says nothing on a machine that does other things too.
# Where nobody is there to repeat a failure, every run tries the same examples.
hypothesis.settings.register_profile(
    "house", deadline=None, derandomize="CI" in os.environ, print_blob=True
)
hypothesis.settings.load_profile("house")


class ReadOnce(JSONFileLoader):  # type: ignore[misc]
    """What AWS's services are like is read once, and not by each server that is started."""

    read = functools.cache(JSONFileLoader().load_file)

    def load_file(self, file_path: str) -> Any:
        return ReadOnce.read(file_path)


Loader.FILE_LOADER_CLASS = ReadOnce


LONGEST = (
    "tests/faults/",
    "tests/web/test_browser.py",
    "tests/clients/",
    "tests/server/demo/",
    "tests/resolvers/test_unread.py",
    "tests/server/test_people_followed.py",
    "tests/server/test_sync.py",
    "tests/security/test_injection.py",
    "tests/resolvers/test_policy.py",
)
"""What takes long, in this order before everything else: were it dealt last, one process would be
left with it while the others have nothing to do.
"""


PASSING = re.compile(r"0x[0-9a-f]{8,}|\b1\d{9}\b")
"""An address in memory, or the time: the name of a test with it is another in each process."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if passing := [item.nodeid for item in items if PASSING.search(item.nodeid)]:
        raise pytest.UsageError(f"Named otherwise in each process: {', '.join(passing)}")

    def place(item: pytest.Item) -> int:
        found = (at for at, start in enumerate(LONGEST) if item.nodeid.startswith(start))
        return next(found, len(LONGEST))

    items.sort(key=place)


class ByFile(LoadScopeScheduling):  # type: ignore[misc]
    """A file's tests share a process, and so do all faults: their servers are theirs alone."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.split("::", 1)[0]
        return "tests/faults" if path.startswith("tests/faults/") else path


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFile:
    """How the tests are dealt out to several processes."""
    return ByFile(config, log)


def pytest_collection_finish() -> None:
    """As servers do: what is there for good is not looked through again, and the rest seldom."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, *gc.get_threshold()[1:])


@pytest.fixture(scope="session")
async def servers() -> AsyncIterator[Servers]:
    """PostgreSQL, MongoDB and S3, for all tests of the session."""
    # Not among pytest's own folders, which the third run after this one tidies away.
    with TemporaryDirectory(prefix="backchannel-tests-") as folder:
        async with running(Path(folder)) as found:
            yield found


@pytest.fixture(scope="session")
async def fresh(servers: Servers) -> AsyncIterator[Fresh]:
    """Makes what is new and empty on the servers."""
    async with Fresh.on(servers) as fresh:
        yield fresh


@pytest.fixture
async def database_url(fresh: Fresh) -> AsyncIterator[str]:
    """A migrated PostgreSQL database of this test's own."""
    async with fresh.database() as url:
        yield url


@pytest.fixture
async def mongo_database(fresh: Fresh) -> AsyncIterator[str]:
    """The name of a MongoDB database of this test's own."""
    async with fresh.mongo_database() as name:
        yield name


@pytest.fixture
async def bucket(fresh: Fresh) -> AsyncIterator[str]:
    """The name of an S3 bucket of this test's own."""
    async with fresh.bucket() as name:
        yield name


@pytest.fixture(scope="session")
async def world(servers: Servers, fresh: Fresh) -> AsyncIterator[World]:
    """A small company with a running server, for all tests of the session."""
    async with World.running(servers, fresh) as world:
        yield world


@pytest.fixture
async def room_for_uploads(world: World) -> None:
    """No upload of another test is open, and none of its objects waits to be removed."""
    await world.database.execute("delete from attachments where message_id is null")
    await janitor.remove_objects(world.services)
