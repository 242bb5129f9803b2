"""The operations of the schema, one call each, and proof that nothing came of one."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import httpx
from graphql import GraphQLObjectType, get_named_type

from schema import graphql_schema
from tests.world import Person, RefusedError, World

T = TypeVar("T")

SELECTIONS = {
    "ChannelPayload": "{ channel { id } }",
    "MessagePayload": "{ message { id } }",
    "SendMessagePayload": "{ message { id } }",
    "Boolean": "",
}

UNKNOWN_PERSON = "0123456789abcdef01234567"
UNKNOWN_ID = "01900000-0000-7000-8000-000000000000"


def document(name: str, arguments: Iterable[str], selection: str | None = None) -> str:
    """An operation of one root field with a variable for each of these arguments."""
    schema = graphql_schema()
    kinds: dict[str, GraphQLObjectType | None] = {
        "query": schema.query_type,
        "mutation": schema.mutation_type,
        "subscription": schema.subscription_type,
    }
    kind, field = next(
        (kind, type.fields[name]) for kind, type in kinds.items() if type and name in type.fields
    )
    names = list(arguments)
    declared = ", ".join(f"${argument}: {field.args[argument].type}" for argument in names)
    passed = ", ".join(f"{argument}: ${argument}" for argument in names)
    if selection is None:
        selection = SELECTIONS[get_named_type(field.type).name]
    if not names:
        return f"{kind} {{ {name} {selection} }}"
    return f"{kind} ({declared}) {{ {name}({passed}) {selection} }}"


async def do(person: Person, name: str, selection: str | None = None, **arguments: Any) -> Any:
    """What the query or mutation of this name answers; raises RefusedError."""
    data = await person.run(document(name, arguments, selection), **arguments)
    return data[name]


async def denied(
    person: Person, name: str, selection: str | None = None, **arguments: Any
) -> RefusedError:
    """The refusal of a query or mutation that must be refused."""
    return await person.refused(document(name, arguments, selection), **arguments)


async def answered(
    person: Person, query: str, variables: dict[str, Any] | None = None
) -> tuple[httpx.Response, dict[str, Any]]:
    """The response and the result of an operation over HTTP, whatever it is."""
    response = await person.respond(query, variables)
    result: dict[str, Any] = response.json()
    return response, result


async def patiently(call: Callable[[], Awaitable[T]], tries: int = 10) -> T:
    """What the call answers in the end: who is told UNAVAILABLE, because more callers than
    connections wait too long on a slow machine, asks again. For calls that are safe to repeat.
    """
    for _ in range(tries - 1):
        try:
            return await call()
        except RefusedError as refusal:
            if refusal.code != "UNAVAILABLE":
                raise
    return await call()


async def send(
    person: Person, channel: str, content: str, selection: str = "{ message { id } }", **more: Any
) -> Any:
    """What ``sendMessage`` answers."""
    input = {"channelId": channel, "content": content, **more}
    return await do(person, "sendMessage", selection, input=input)


async def message(person: Person, id: str, selection: str) -> Any:
    """A message as a person sees it."""
    return await do(person, "message", selection, id=id)


async def channel(person: Person, id: str, selection: str) -> Any:
    """A channel as a person sees it."""
    return await do(person, "channel", selection, id=id)


async def roles(person: Person, id: str) -> dict[str, str]:
    """The role of each member of a channel."""
    found = await channel(person, id, "{ members { edges { node { role user { id } } } } }")
    nodes = [edge["node"] for edge in found["members"]["edges"]]
    return {node["user"]["id"]: node["role"] for node in nodes}


async def kinds_of_events(world: World, id: str) -> list[str]:
    """What the channel's log has, oldest first."""
    rows = await world.database.fetch(
        "select kind from events where channel_id = $1 order by position", id
    )
    return [row[0] for row in rows]


@asynccontextmanager
async def nothing_happens(world: World, id: str, witness: Person) -> AsyncIterator[None]:
    """While the block runs nothing is written in the channel, and ``witness``, who may write
    there, hears of nothing: the first they hear is what they send at the end of it.
    """
    before = await world.state_of(id)
    async with witness.socket() as socket:
        events = await socket.subscribe(
            document("channelEvents", ["channelId"], "{ ... on MessageSent { message { id } } }"),
            channelId=id,
        )
        typing = await socket.subscribe(
            document("typing", ["channelId"], "{ isTyping }"), channelId=id
        )
        await world.followed(id, 2)
        yield
        assert await world.state_of(id) == before
        last = await witness.say(id, "Now something does")
        assert await events.next() == {"channelEvents": {"message": {"id": last}}}
        assert events.is_silent
        assert typing.is_silent
