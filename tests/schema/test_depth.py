"""The deepest documents that are taken are also answered."""

from bisect import bisect_left
from collections.abc import Callable

import pytest

from schema import graphql_schema
from schema.documents import Documents, Invalid
from storage.errors import Refusal
from tests.world import World

DEEP: dict[str, Callable[[int], str]] = {
    "last messages": lambda n: "lastMessage { channel { " * n + "id" + " } }" * n,
    "pages": lambda n: "messages(last: 1) { edges { node { channel { " * n + "id" + " } } } }" * n,
    "fragments": lambda n: (
        "...F0 } }"
        + "".join(
            f" fragment F{i} on Channel {{ messages(last: 1) {{ edges {{ node {{ channel"
            f" {{ ...F{i + 1} }} }} }} }} }}"
            for i in range(n)
        )
        + f" fragment F{n} on Channel {{ ...G }} fragment G on Channel {{ id"
    ),
}


def document(kind: str, depth: int) -> str:
    text = "query ($id: ID!) { channel(id: $id) { " + DEEP[kind](depth)
    return text + " }" * (text.count("{") - text.count("}"))


def deepest(kind: str) -> int:
    """How deep such a document may be."""
    documents = Documents(graphql_schema(), introspection=True)

    def is_refused(depth: int) -> bool:
        try:
            documents.get(document(kind, depth))
        except (Invalid, Refusal):
            return True
        return False

    return bisect_left(range(200), True, key=is_refused) - 1


@pytest.mark.parametrize("kind", DEEP)
async def test_the_deepest_document_that_is_taken_is_answered(world: World, kind: str) -> None:
    channel = await world.carol.create_channel(world.dave)
    await world.carol.say(channel)
    limit = deepest(kind)
    assert limit >= 3
    # The server's own stack is deeper than this test's: it may draw the line sooner.
    for depth in range(max(1, limit - 12), limit + 1, 2):
        result = await world.carol.post(document(kind, depth), {"id": channel})
        if result.get("errors"):
            assert result["errors"][0]["extensions"]["code"] != "INTERNAL"
            assert "data" not in result
        else:
            assert str(result["data"]).count(channel) == 1
