"""Whatever a stranger sends is answered at once, with the code that says why not."""

from typing import Any

import orjson
import psutil
import pytest

from schema.limits import MAX_STRANGERS_CHARACTERS
from tests.program import Program
from tests.security.corpus import DOCUMENTS, VARIABLES

FRAME = 60_000
SECONDS = 0.05
"""Of the server's own work, counted by the kernel for its process alone."""
BYTES = 4_000_000
"""That memory may grow by, at any moment until the answer."""
BODY_BYTES = 20_000_000
"""The same for a body of a megabyte, of which each byte may be a value."""
ANSWER_BYTES = 5_000
"""Whatever is repeated of what was sent."""
TRIES = 10
"""The best counts: a processor that is shared with other work does each piece of ours more
slowly, but what is slow by itself is slow every time. Without the limits that is seconds."""


async def answered(
    program: Program,
    query: str,
    variables: dict[str, Any],
    *,
    room: int = BODY_BYTES,
    key: str | None = "carol",
) -> tuple[str | None, float, int]:
    """The first error's code, the fewest seconds of work it took and the fewest bytes that memory
    grew by meanwhile; no two requests are the same, so that nothing is known already.
    """
    headers = {"Content-Type": "application/json"}
    if key:
        headers["Authorization"] = f"Bearer {getattr(program.world, key).token}"
    codes, seconds, grown = set(), [], []
    for number in range(TRIES):
        body = orjson.dumps({"query": query + " " * number, "variables": variables})
        had, before = program.forget_peak(), program.cpu_seconds()
        response = await program.world.http.post("/graphql", content=body, headers=headers)
        seconds.append(program.cpu_seconds() - before)
        grown.append(program.peak() - had)
        assert response.status_code in (200, 400)
        errors = response.json().get("errors")
        codes.add(errors[0]["extensions"]["code"] if errors else None)
        assert len(response.content) < ANSWER_BYTES
        if seconds[-1] < SECONDS and grown[-1] < room:
            break
    (code,) = codes
    return code, min(seconds), min(grown)


@pytest.mark.parametrize("name", DOCUMENTS)
async def test_a_hostile_document_is_answered_at_once(program: Program, name: str) -> None:
    query, code = DOCUMENTS[name]
    found, seconds, grown = await answered(program, query, {}, room=BYTES)
    assert found == code
    assert seconds < SECONDS
    assert grown < BYTES


@pytest.mark.parametrize(
    "name",
    [name for name, (query, _) in DOCUMENTS.items() if len(query) > MAX_STRANGERS_CHARACTERS],
)
async def test_a_long_document_of_a_stranger_is_not_even_read(program: Program, name: str) -> None:
    query, _code = DOCUMENTS[name]
    found, seconds, _grown = await answered(program, query, {}, key=None)
    assert found == "UNAUTHENTICATED"
    assert seconds < SECONDS / 10


@pytest.mark.parametrize("name", VARIABLES)
async def test_hostile_variables_are_answered_at_once(program: Program, name: str) -> None:
    query, variables, code = VARIABLES[name]
    found, seconds, grown = await answered(program, query, variables)
    assert found == code
    assert seconds < SECONDS
    assert grown < BODY_BYTES


async def test_over_a_socket_they_are_answered_alike(program: Program) -> None:
    async with program.world.carol.socket() as socket:
        for name, (query, code) in DOCUMENTS.items():
            if len(query) > FRAME:
                continue  # closed with 1009, as test_wire.py has it
            operation = await socket.subscribe(query)
            message = await operation.message(10)
            said = message["payload"]
            errors = said if message["type"] == "error" else said.get("errors")
            assert (errors[0]["extensions"]["code"] if errors else None) == code, name


async def test_all_of_them_together_leave_nothing_behind(program: Program) -> None:
    process = psutil.Process(program.pid)
    sizes = []
    for _ in range(2):
        for query, _code in DOCUMENTS.values():
            await answered(program, query, {})
        for query, variables, _code in VARIABLES.values():
            await answered(program, query, variables)
        sizes.append(process.memory_info().rss)
    # The largest of them alone is a megabyte, and takes several once it is read.
    assert sizes[1] - sizes[0] < 8_000_000
