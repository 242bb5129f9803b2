"""A walk through all answers as each kind of person: nothing in them speaks of what they may
not know, and nothing that happens elsewhere changes them.
"""

import json
import re
from itertools import product
from typing import Any

import pytest
from graphql import (
    FieldNode,
    GraphQLEnumType,
    GraphQLField,
    GraphQLObjectType,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    is_composite_type,
    parse,
    visit,
)

from schema import fields, graphql_schema
from schema.documents import Documents
from storage import cursors
from storage.cursors import CursorKind
from storage.lines import open_pool
from storage.sight import Role
from tests.end_to_end.stage import KINDS, Stage, assert_nothing_hidden, elsewhere, staged, walked
from tests.operations import do
from tests.walk import Examples, Place, places, root_fields, whole
from tests.world import Operation, Person, World


def test_the_walk_leads_to_every_field_that_has_people_or_channels(stage: Stage) -> None:
    told = {
        (type, name)
        for operation in ("query", "mutation", "subscription")
        for root in root_fields(operation)
        for type, name in fields_of(whole(operation, root, stage.examples()))
    }
    for type in graphql_schema().type_map.values():
        if isinstance(type, GraphQLObjectType) and not type.name.startswith("__"):
            for name, definition in type.fields.items():
                if is_composite_type(get_named_type(definition.type)):
                    assert (type.name, name) in told


def fields_of(document: str) -> set[tuple[str, str]]:
    info = TypeInfo(graphql_schema())
    found: set[tuple[str, str]] = set()

    class Fields(Visitor):
        def enter_field(self, node: FieldNode, *_: object) -> None:
            parent = info.get_parent_type()
            assert parent is not None
            found.add((parent.name, node.name.value))

    visit(parse(document), TypeInfoVisitor(info, Fields()))
    return found


@pytest.mark.parametrize("key", KINDS)
@pytest.mark.parametrize("name", root_fields("query"))
async def test_no_query_tells_what_somebody_may_not_know(stage: Stage, key: str, name: str) -> None:
    person = stage.people[key]
    own = await walked(person, "query", name, stage.examples())
    assert_nothing_hidden(stage, key, own)
    # By ids and words of what they may not know, in every place for one; a client's are people too.
    words = stage.hidden[key]
    for word in [*words[:5], *(words[-8:] if key == "clara" else ())]:
        if not takes_values(name):
            break
        wrong = stage.examples(
            **dict.fromkeys(("ID", "channel.id", "message.id", "user.id"), word), String=word
        )
        text = await walked(person, "query", name, wrong)
        assert_nothing_hidden(stage, key, text, word)


def takes_values(query: str) -> bool:
    root = graphql_schema().query_type
    return root is not None and bool(root.fields[query].args)


OPTIONAL = [
    place
    for place in places()
    if place.operation == "query" and not place.is_required and place.type != "Int"
]


def values(stage: Stage, key: str, place: Place) -> list[Any]:
    """What somebody might give there to find out what they may not know."""
    hidden = stage.hidden[key]
    kind = graphql_schema().type_map[place.type]
    if isinstance(kind, GraphQLEnumType):
        return [[*kind.values]] if place.is_list else [*kind.values]
    if place.name in ("after", "before"):
        # Cursors of lists they do not see, each kind in turn.
        room, message = hidden[1], hidden[2]
        keys: dict[CursorKind, tuple[str | int, ...]] = {
            CursorKind.MESSAGE: (room, 1),
            CursorKind.REPLY: (message, 1),
            CursorKind.MEMBER: (room, 1, message),
            CursorKind.RECEIPT: (message, 1, message),
            CursorKind.CHANNEL: (f"{stage.edda.id}:activity", "2", room),
        }
        return [cursors.encode(kind, str(scope), *key) for kind, (scope, *key) in keys.items()]
    given: dict[str, list[Any]] = {
        "String": ["hushed", "e"],
        "ID": [hidden[1], hidden[-1]],
        "Boolean": [True, False],
        "DateTime": ["2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z"],
    }
    return given[place.type]


@pytest.mark.parametrize("place", OPTIONAL, ids=str)
async def test_no_argument_finds_what_somebody_may_not_know(stage: Stage, place: Place) -> None:
    name = place.steps[0].name
    for key, person in stage.people.items():
        for value in values(stage, key, place):
            given = place, value
            text = await walked(person, "query", name, stage.examples(), given)
            assert_nothing_hidden(stage, key, text, str(value))


async def test_neither_does_where_the_database_refuses_nothing(
    world: World, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What PostgreSQL would refuse is not what the resolvers rely on."""

    async def as_the_owner(url: str, role: Role | None, *rest: Any, **options: Any) -> Any:
        return await open_pool(url, None if role is Role.APP else role, *rest, **options)

    monkeypatch.setattr("storage.postgres.open_pool", as_the_owner)
    async with world.another_server() as unguarded:
        everything = "select count(*) > 0 from messages"
        assert await unguarded.services.database.fetchval(everything)
        assert not await world.services.database.fetchval(everything)
        for key in ("clara", "alice"):
            person = Person(unguarded, key, stage.people[key].id)
            room, message = stage.hidden[key][1:3]
            secret = {"ID": room, "channel.id": room, "message.id": message}
            secret["user.id"] = stage.hidden[key][-8]
            tries = stage.examples(), stage.examples(**secret, String="cry")
            for name, examples in product(root_fields("query"), tries):
                # One field that is refused would hide all the others.
                for keep in (lambda _: True, is_plain_or_somebody):
                    text = await walked(person, "query", name, examples, keep=keep)
                    assert_nothing_hidden(stage, key, text, *secret.values())
            for place in OPTIONAL:
                name = place.steps[0].name
                value = values(stage, key, place)[0]
                text = await walked(person, "query", name, stage.examples(), (place, value))
                assert_nothing_hidden(stage, key, text, str(value))


def test_each_argument_that_may_be_left_out_is_tried() -> None:
    assert {str(place) for place in OPTIONAL} >= {
        "viewer.channels.filter.includeArchived",
        "viewer.channels.filter.search",
        "users.search",
        "searchMessages.filter.senderId",
        "channel.messages.before",
    }


async def test_the_walk_finds_what_they_may_know(stage: Stage) -> None:
    clara = stage.people["clara"]
    text = await walked(clara, "query", "channel", stage.examples())
    for word in ("Client Clara", "Carol Clark", "Dave Davis", "A word of Edda's", "Edda Ex"):
        assert word in text
    assert "carol@example.com" in text
    inside = await walked(stage.people["carol"], "query", "channel", stage.examples())
    assert f"{stage.edda.id}@example.com" in inside
    members = "{ members { edges { node { user { name } invitedBy { name } } } } }"
    for person, inviter in ((clara, None), (stage.people["carol"], {"name": "Alice Adams"})):
        found = await do(person, "channel", members, id=stage.project)
        nodes = [edge["node"] for edge in found["members"]["edges"]]
        (dave,) = (node for node in nodes if node["user"]["name"] == "Dave Davis")
        assert dave["invitedBy"] == inviter
    # Still named where their words are, or their going is told, and nowhere else.
    for gone in (stage.edda, stage.sid):
        assert await do(clara, "user", "{ id }", id=gone.id) is None
        assert gone.id not in await walked(clara, "query", "users", stage.examples(String=""))


async def test_what_happens_elsewhere_changes_no_answer(world: World, stage: Stage) -> None:
    clara = stage.people["clara"]

    async def told(name: str, examples: Examples, given: tuple[Place, Any] | None = None) -> str:
        text = await walked(clara, "query", name, examples, given)
        # Whether those are there whom they know passes with time.
        return re.sub(r'"presence":{[^{}]*}', "", text)

    async def everything() -> dict[str, str]:
        return {
            f"{name} {word}": await told(name, stage.examples(String=word, ID=id))
            for name in root_fields("query")
            for word, id in (("word", stage.room), ("e", stage.people["carol"].id))
        } | {
            f"{place} {value}": await told(place.steps[0].name, stage.examples(), (place, value))
            for place in OPTIONAL
            for value in values(stage, "clara", place)[:1]
        }

    before = await everything()
    await elsewhere(world)
    assert await everything() == before


async def test_no_stream_and_no_mutation_tells_a_client_what_they_may_not_know(
    world: World,
) -> None:
    stage = await staged(world)
    clara, carol, dave = stage.people["clara"], stage.people["carol"], world.dave
    async with clara.socket() as socket, carol.socket() as inside:
        documents = {
            f"{name} {place}{kind}": whole(
                "subscription",
                name,
                stage.examples(channelId=channel, userIds=dave.id),
                keep=keep,
            )
            for name in root_fields("subscription")
            for place, channel in (("room", stage.room), ("project", stage.project))
            for kind, keep in (("", lambda _: True), (" shared", is_shared_inside))
        }
        # What is asked for in the same words is rendered once for all people inside.
        shared = {name: text for name, text in documents.items() if name.endswith("shared")}
        understood = Documents(graphql_schema(), introspection=True)
        assert all(understood.get(text).is_shared_inside for text in shared.values())
        for document in shared.values():
            await inside.subscribe(document)
        streams: dict[str, Operation] = {
            name: await socket.subscribe(document) for name, document in documents.items()
        }
        root = graphql_schema().subscription_type
        assert root is not None
        of_channels = sum("channelId" in field.args for field in root.fields.values())
        await world.followed(stage.project, 3 * of_channels)
        # From outside, in the client's own channel; by members; and elsewhere.
        target = {"channelId": stage.project, "userId": dave.id}
        for name, arguments in (
            ("updateMemberRole", {**target, "role": "ADMIN"}),
            ("removeMember", target),
            ("updateChannel", {"input": {"channelId": stage.project, "topic": "Another"}}),
            ("addMembers", {"channelId": stage.project, "userIds": [dave.id]}),
        ):
            await do(world.alice, name, **arguments)
        await elsewhere(world)
        await do(carol, "setTyping", "", channelId=stage.room)
        for name in sorted(root_fields("mutation"), key=lambda name: name == "leaveChannel"):
            document = whole("mutation", name, stage.examples())
            text = (await clara.respond(document)).text
            assert '"INTERNAL"' not in text, text
            assert_nothing_hidden(stage, "clara", text)
        last = await carol.say(stage.project, "The last word")
        heard: dict[str, str] = {}
        for name, stream in streams.items():
            messages: list[Any] = []
            while name.startswith("channelEvents project") and last not in json.dumps(messages):
                messages.append(await stream.message())
            while not stream.is_silent:
                messages.append(await stream.message())
            heard[name] = json.dumps(messages)
            assert '"INTERNAL"' not in heard[name], heard[name]
            assert_nothing_hidden(stage, "clara", heard[name])
        for name in ("channelEvents project", "channelEvents project shared"):
            for kind in ("MemberRoleChanged", "MemberLeft", "MemberJoined", "ChannelUpdated"):
                assert f'"{kind}"' in heard[name]
        assert heard["messageAdded room"] != "[]"


def is_plain_or_somebody(field: GraphQLField) -> bool:
    """Whether it leads to nothing but people."""
    type = get_named_type(field.type)
    return not is_composite_type(type) or type.name == "User"


def is_shared_inside(field: GraphQLField) -> bool:
    """Whether all people inside get the same answer."""
    ours = field.extensions.get(fields.DEFINITION)
    return ours is None or fields.is_shared_inside(ours)


async def test_a_client_hears_nothing_of_what_was_before_they_joined(
    world: World, stage: Stage
) -> None:
    client = await world.new_person("Client Late", isClient=True, role=None)
    before = await world.carol.cursor(stage.room)
    await do(world.carol, "addMembers", channelId=stage.room, userIds=[client.id])
    document = "subscription ($id: ID!, $c: String) { channelEvents(channelId: $id, after: $c)"
    document += " { __typename } }"
    async with client.socket() as socket:
        joined = await socket.subscribe(document, id=stage.room, c=before)
        assert await joined.next() == {"channelEvents": {"__typename": "MemberJoined"}}
        earlier = await earliest(world, stage.room)
        for person, expected in ((client, "RESYNC_REQUIRED"), (world.dave, None)):
            earlier = re.sub(r"$", "", await earliest(world, stage.room))
            async with person.socket() as other:
                operation = await other.subscribe(document, id=stage.room, c=earlier)
                message = await operation.message()
                code = (
                    message["payload"][0]["extensions"]["code"]
                    if message["type"] == "error"
                    else None
                )
                assert code == expected


async def earliest(world: World, channel: str) -> str:
    """The cursor before everything that happened in a channel."""
    epoch = await world.database.fetchval("select epoch from channels where id = $1", channel)
    return cursors.encode_event(channel, epoch, 0)
