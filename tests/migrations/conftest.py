from collections.abc import AsyncIterator

import pytest

from tests.servers import Fresh


@pytest.fixture
async def empty_url(fresh: Fresh) -> AsyncIterator[str]:
    """A database with nothing in it."""
    async with fresh.database(migrated=False) as url:
        yield url
