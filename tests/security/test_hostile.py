"""Whatever a stranger sends is answered at once, with the code that says why not."""

import time
from typing import Any

import orjson
import pytest

from tests.security.corpus import DOCUMENTS, VARIABLES
from tests.world import World

SECONDS = 0.25
"""Of this process's work, the server's and the client's together: some 20 ms on a quiet machine,
more beside another test; without the limits, these documents take seconds."""
TRIES = 5
"""The machine may be doing other things too; what is slow by itself is slow every time."""


async def answered(world: World, query: str, variables: dict[str, Any]) -> Any:
    """The first error's code, and the fewest seconds it took; no two requests are the same."""
    headers = {"Authorization": f"Bearer {world.carol.token}", "Content-Type": "application/json"}
    codes, seconds = set(), []
    for number in range(TRIES):
        body = orjson.dumps({"query": query + " " * number, "variables": variables})
        began = time.process_time()
        response = await world.http.post("/graphql", content=body, headers=headers)
        seconds.append(time.process_time() - began)
        assert response.status_code in (200, 400)
        errors = response.json().get("errors")
        codes.add(errors[0]["extensions"]["code"] if errors else None)
        assert len(response.content) < 150_000
    (code,) = codes
    return code, min(seconds)


@pytest.mark.parametrize("name", DOCUMENTS)
async def test_a_hostile_document_is_answered_at_once(world: World, name: str) -> None:
    query, code = DOCUMENTS[name]
    found, seconds = await answered(world, query, {})
    assert found == code
    assert seconds < SECONDS


@pytest.mark.parametrize("name", VARIABLES)
async def test_hostile_variables_are_answered_at_once(world: World, name: str) -> None:
    query, variables, code = VARIABLES[name]
    found, seconds = await answered(world, query, variables)
    assert found == code
    assert seconds < SECONDS
