"""A walk through all answers as each kind of person: nothing in them speaks of what they may
not know, and nothing that happens elsewhere changes them.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any

import pytest
from graphql import (
    FieldNode,
    GraphQLObjectType,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    is_composite_type,
    parse,
    visit,
)

from schema import graphql_schema
from storage import cursors
from storage.records import ChannelType
from tests.end_to_end.house import EMOJI
from tests.operations import do
from tests.places import MEMBER, OWNER, archive, place, said
from tests.walk import Examples, root_fields, whole
from tests.world import Operation, Person, World

KINDS = ["clara", "ivan", "olga", "bob", "carol", "alice"]
"""A client, an intern, somebody of another team, a support agent, an administrator, and a super
admin; all but alice and olga are in a room with the client."""


@dataclass
class Stage:
    """Where the people are, and what of it is not for everybody."""

    people: dict[str, Person]
    room: str
    project: str
    message: str
    edda: Person
    sid: Person
    hidden: dict[str, list[str]] = field(default_factory=dict)
    """What each of them must not find anywhere, in lower case."""

    def examples(self, **more: Any) -> Examples:
        """A good value for every argument of what goes on in the room."""
        return {
            "channelId": self.room,
            "messageId": self.message,
            "userId": self.people["carol"].id,
            "userIds": self.people["bob"].id,
            "memberIds": self.people["bob"].id,
            "mentionedUserIds": self.people["carol"].id,
            "attachmentIds": [],
            "attachmentId": "01900000-0000-7000-8000-000000000000",
            "channel.id": self.room,
            "message.id": self.message,
            "user.id": self.people["carol"].id,
            "emoji": EMOJI,
            "mimeType": "application/pdf",
            "ID": self.room,
            "String": "word",
            "Int": 1,
            "Boolean": True,
            "DateTime": "2026-11-20T09:30:00Z",
            **more,
        }


@pytest.fixture(scope="module")
async def stage(world: World) -> Stage:
    """For all who only look."""
    return await staged(world)


async def staged(world: World) -> Stage:
    clara = await world.new_person("Client Clara", isClient=True, role=None)
    edda = await world.new_person("Edda Ex")
    sid = await world.new_person("Sid Silent")
    carol, dave, bob, ivan = world.carol, world.dave, world.bob, world.ivan
    room = await carol.create_channel(dave, bob, ivan, edda, name="A room")
    # Who came and went before the client came: one of them has said something.
    await do(carol, "addMembers", channelId=room, userIds=[sid.id])
    await do(carol, "removeMember", channelId=room, userId=sid.id)
    message = await edda.say(room, "A word of Edda's", mentionedUserIds=[carol.id])
    await do(carol, "removeMember", channelId=room, userId=edda.id)
    await do(carol, "addMembers", channelId=room, userIds=[clara.id])
    await dave.say(room, "A reply", parentId=message)
    await do(carol, "addReaction", messageId=message, emoji=EMOJI)
    # Somebody from outside does something in a channel of the client's.
    project = await place(
        world, ChannelType.PROJECT, (carol, OWNER), (clara, MEMBER), project_id="f" * 24
    )
    await do(world.alice, "addMembers", channelId=project, userIds=[dave.id])
    await do(world.alice, "updateChannel", input={"channelId": project, "topic": "A topic"})
    people = {key: Person(world, key, world.ids[key]) for key in KINDS[1:]} | {"clara": clara}
    stage = Stage(people, room, project, message, edda, sid)
    things = await elsewhere(world)
    strangers = [things.quilla, world.erin, world.grace, world.zoe, world.alice, world.olga]
    words = ["hushed", *things.ids]
    stage.hidden = dict.fromkeys(KINDS, words) | {
        "clara": [
            *words,
            *(person.id for person in strangers),
            *("quilla", "erin evans", "grace green", "zoe gone", "alice adams", "olga other"),
        ]
    }
    return stage


@dataclass
class Elsewhere:
    """What is none of their business."""

    quilla: Person
    ids: list[str]


async def elsewhere(world: World) -> Elsewhere:
    """Private channels of every type, and what people do in them."""
    quilla = await world.new_person("Quilla Quiet")
    both = (quilla, OWNER), (world.erin, MEMBER)
    ids: list[str] = []
    for type in ChannelType:
        channel = await place(world, type, *both, (world.dave, MEMBER), is_private=True)
        if type != ChannelType.DM:
            await world.database.execute(
                "update channels set name = 'Hushed ' || type, topic = 'Hushed topic'"
                " where id = $1",
                channel,
            )
        ids += [channel, await said(world, channel, world.erin)]
        if type != ChannelType.GENERAL:
            ids.append(await quilla.say(channel, "A hushed word", mentionedUserIds=[world.erin.id]))
            await do(world.erin, "setTyping", "", channelId=channel)
    await archive(world, ids[0])
    with_client = await place(world, ChannelType.CLIENT_SUPPORT, *both, (world.grace, MEMBER))
    await world.database.execute(
        "update channels set is_private = true, name = 'Hushed client' where id = $1", with_client
    )
    ids += [with_client, await world.grace.say(with_client, "A hushed cry for help")]
    return Elsewhere(quilla, ids)


async def walked(person: Person, operation: str, name: str, examples: Examples) -> str:
    """What the person is told, but for what is another each time."""
    response = await person.respond(whole(operation, name, examples))
    text = response.text
    assert '"INTERNAL"' not in text, text
    assert "QUERY_TOO_COMPLEX" not in text, text
    assert "RATE_LIMITED" not in text, text
    text = re.sub(r'"requestId":"[^"]*"', "", text)
    return re.sub(r'\?[^"]*X-Amz-[^"]*', "", text)


def assert_nothing_hidden(stage: Stage, key: str, text: str, *asked: str) -> None:
    """``asked`` is what they said themselves, which errors may repeat."""
    told = text.lower()
    for word in asked:
        told = told.replace(word.lower(), "")
    for word in stage.hidden[key]:
        if word not in asked:
            assert word.lower() not in told, (key, word, text)


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


async def test_the_walk_finds_what_they_may_know(stage: Stage) -> None:
    clara = stage.people["clara"]
    text = await walked(clara, "query", "channel", stage.examples())
    for word in ("Client Clara", "Carol Clark", "Dave Davis", "A word of Edda's", "Edda Ex"):
        assert word in text
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
    async def told(name: str, examples: Examples) -> str:
        text = await walked(stage.people["clara"], "query", name, examples)
        # Whether those are there whom they know passes with time.
        return re.sub(r'"presence":{[^{}]*}', "", text)

    async def everything() -> dict[str, str]:
        return {
            f"{name} {word}": await told(name, stage.examples(String=word, ID=id))
            for name in root_fields("query")
            for word, id in (("word", stage.room), ("e", stage.people["carol"].id))
        }

    before = await everything()
    await elsewhere(world)
    assert await everything() == before


async def test_no_stream_and_no_mutation_tells_a_client_what_they_may_not_know(
    world: World,
) -> None:
    stage = await staged(world)
    clara, carol, dave = stage.people["clara"], stage.people["carol"], world.dave
    async with clara.socket() as socket:
        streams: dict[str, Operation] = {
            f"{name} {place}": await socket.subscribe(
                whole("subscription", name, stage.examples(channelId=channel, userIds=dave.id))
            )
            for name in root_fields("subscription")
            for place, channel in (("room", stage.room), ("project", stage.project))
        }
        root = graphql_schema().subscription_type
        assert root is not None
        of_channels = sum("channelId" in field.args for field in root.fields.values())
        await world.followed(stage.project, of_channels)
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
            while name == "channelEvents project" and last not in json.dumps(messages):
                messages.append(await stream.message())
            while not stream.is_silent:
                messages.append(await stream.message())
            heard[name] = json.dumps(messages)
            assert '"INTERNAL"' not in heard[name], heard[name]
            assert_nothing_hidden(stage, "clara", heard[name])
        told = heard["channelEvents project"]
        for kind in ("MemberRoleChanged", "MemberLeft", "MemberJoined", "ChannelUpdated"):
            assert f'"{kind}"' in told
        assert heard["messageAdded room"] != "[]"


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
