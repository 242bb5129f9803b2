"""What the tests of wrong input share."""

import pytest

from tests.end_to_end.house import House, furnished
from tests.end_to_end.stage import Stage, staged
from tests.world import World


@pytest.fixture(scope="session")
async def house(world: World) -> House:
    """A channel in which nothing ever happens, whatever is asked for."""
    return await furnished(world)


@pytest.fixture(scope="module")
async def stage(world: World) -> Stage:
    """For all who only look."""
    return await staged(world)
