"""What the tests of the resolvers may ask for besides."""

from collections.abc import AsyncIterator

import pytest

from tests.firm import Firm
from tests.servers import Fresh, Servers


@pytest.fixture(scope="package")
async def house(servers: Servers, fresh: Fresh) -> AsyncIterator[Firm]:
    """A firm whose channels are kept in step."""
    async with Firm.running(servers, fresh) as firm:
        yield firm


@pytest.fixture
async def firm(house: Firm) -> Firm:
    """Nothing is left of the test before."""
    await house.clear()
    return house
