"""What the tests of wrong input share."""

import pytest

from tests.end_to_end.house import House, furnished
from tests.world import World


@pytest.fixture(scope="session")
async def house(world: World) -> House:
    """A channel in which nothing ever happens, whatever is asked for."""
    return await furnished(world)
