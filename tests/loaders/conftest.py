"""What the tests of the loaders may ask for besides."""

from collections.abc import AsyncIterator

import pytest

from tests.loaders.counting import Counted
from tests.loaders.crowd import MARK
from tests.world import World


@pytest.fixture(scope="session")
async def counted(world: World) -> AsyncIterator[Counted]:
    """Services that count what they ask PostgreSQL and MongoDB."""
    async with Counted.beside(world) as counted:
        yield counted


@pytest.fixture(autouse=True)
async def nobody_stays(world: World) -> AsyncIterator[None]:
    """The company is everybody's: crowds leave it when their test is done."""
    yield
    await world.mongo.users.delete_many(MARK)
