"""What is remembered of a document is right for every use of it, and never much."""

import itertools

import orjson
import pytest

import schema.context
from execution.engine import Engine
from execution.requests import Request
from resolvers.viewer import sign_in
from schema import graphql_schema
from tests.world import World

SWITCHES = 6
ON = [f"$s{number}: Boolean!" for number in range(SWITCHES)]
FIELDS = ["id", "name", "email", "isClient", "isActive", "avatarUrl"]
# Paging keeps the messages from being planned as a whole, so their senders are, one by one.
DOCUMENT = (
    f"query ($id: ID!, {', '.join(ON)}) {{ channel(id: $id) {{ messages {{ edges {{ node {{"
    " replies { edges { cursor } } "
    + " ".join(f"sender @include(if: $s{i}) {{ {name} }}" for i, name in enumerate(FIELDS))
    + " } } } } }"
)


async def test_fields_that_variables_switch_on_and_off(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In any order, and with less room to remember than there are combinations."""
    monkeypatch.setattr(schema.context, "MEMO_ENTRIES", 20)
    channel = await world.carol.create_channel()
    await world.carol.say(channel)
    viewer = await sign_in(world.services, world.carol.id, 60)
    engine = Engine(graphql_schema(), world.services, introspection=True)
    whole = {
        "id": world.carol.id,
        "name": "Carol Clark",
        "email": "carol@example.com",
        "isClient": False,
        "isActive": True,
        "avatarUrl": "https://pictures.example.com/carol.png",
    }
    for switched in itertools.product((False, True), repeat=SWITCHES):
        variables = {"id": channel, **{f"s{i}": on for i, on in enumerate(switched)}}
        prepared = engine.prepare(Request(DOCUMENT, variables, None, "request"))
        result = orjson.loads(await engine.execute(prepared, viewer))
        (edge,) = result["data"]["channel"]["messages"]["edges"]
        wanted = [name for name, on in zip(FIELDS, switched, strict=True) if on]
        expected = {name: whole[name] for name in wanted}
        assert edge["node"].get("sender", {}) == expected
        memo = prepared.document.memo
        assert 0 < len(memo.plans) <= 20
        assert 0 < len(memo.selections) <= 20
