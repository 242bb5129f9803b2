"""Searching messages as clients do."""

from typing import Any

import pytest

from tests.operations import document
from tests.world import Person, RefusedError, data_of

FOUND = "{ edges { cursor snippet node { id content } } pageInfo { hasNextPage endCursor } }"


async def page(person: Person, query: str, **more: Any) -> Any:
    variables = {"query": query, **more}
    data = data_of(await person.post(document("searchMessages", variables, FOUND), variables))
    return data["searchMessages"]


async def refused(person: Person, query: str, **more: Any) -> RefusedError:
    with pytest.raises(RefusedError) as refusal:
        await page(person, query, **more)
    return refusal.value


async def found(person: Person, channel: str | None, query: str, **filter: Any) -> list[str]:
    """The texts, newest first."""
    more = {"filter": {**({"channelId": channel} if channel else {}), **filter}}
    return [edge["node"]["content"] for edge in (await page(person, query, **more))["edges"]]
