"""A plan fills in exactly what graphql-core would."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import pytest
from graphql import (
    Executor,
    FieldNode,
    GraphQLNonNull,
    GraphQLObjectType,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    parse,
    visit,
)

import execution.engine
from execution.engine import Engine
from execution.executor import PlanningExecutor
from execution.plans import NotPlain, Within, plan
from execution.requests import Request
from resolvers.viewer import sign_in
from schema import graphql_schema
from tests.world import World

MESSAGE = """
    __typename id channelId content contentType replyCount isEdited editedAt isDeleted createdAt
    sender { __typename id name email avatarUrl isClient isActive }
    parent { id content sender { name } }
    mentions { id name }
    reactions { emoji count users { name } viewerHasReacted }
    attachments { id fileName fileSize mimeType width uploader { name } uploadedAt }
    clientMessageId
"""

PAGE_INFO = "pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"

MEMBER = """
    role isMuted notificationLevel lastReadAt joinedAt user { id name } invitedBy { id name }
"""

DOCUMENTS = {
    "page": f"query ($c: ID!) {{ channel(id: $c) {{ messages {{ edges {{ cursor node"
    f" {{ {MESSAGE} }} }}"
    " pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }",
    "sidebar": "{ viewer { user { id name } unread { messages mentions channels } channels { edges"
    " { node { id type name topic isPrivate isArchived memberCount lastMessageAt cursor"
    " unreadCount mentionCount membership { role isMuted notificationLevel joinedAt"
    " invitedBy { name } user { name } } lastMessage { content sender { name } } } } } } }",
    "members": "query ($c: ID!) { channel(id: $c) { members { edges { cursor node"
    " { role user { id name } invitedBy { id } joinedAt lastReadAt } } } } }",
    "fragments": "query ($c: ID!) { channel(id: $c) { messages { edges { node { ...A ...B } } } } }"
    " fragment A on Message { id sender { id } reactions { emoji } }"
    " fragment B on Message { content sender { name ...C } ... on Message"
    " { r: reactions { n: count } } }"
    " fragment C on User { isActive }",
    "same field twice": "query ($c: ID!) { channel(id: $c) { messages { edges { node"
    " { id sender { id } sender { name } id a: id } } } } }",
    "directives": "query ($c: ID!, $no: Boolean = false) { channel(id: $c) { messages { edges"
    " { node { id content @include(if: $no) sender { id name @skip(if: $no) } } } } } }",
    "thread": "query ($c: ID!) { channel(id: $c) { messages { edges { node { id replies(first: 20)"
    f" {{ edges {{ node {{ {MESSAGE} }} }} }} }} }} }} }} }}",
    "people": '{ users(search: "a") { edges { cursor node { id name email } } } }',
    "arguments": "query ($c: ID!, $n: Int = 1) { channel(id: $c) { messages { edges { node { id"
    " reactions { emoji one: users(first: 1) { id } none: users(first: 0) { id }"
    " many: users(first: null) { name } } } } } }"
    " twice: channel(id: $c) { messages { edges { node { reactions { users(first: $n) { id } } }"
    " } } } }",
    "all of a channel": "query ($c: ID!) { channel(id: $c) { id type name topic avatarUrl isPrivate"
    " isArchived departmentId projectId memberCount lastMessageAt unreadCount mentionCount"
    " cursor createdAt updatedAt pinnedMessages { id isPinned sender { name } }"
    f" membership {{ {MEMBER} isPinned }} members {{ edges {{ cursor node {{ {MEMBER} }} }}"
    f" {PAGE_INFO} }} lastMessage {{ {MESSAGE} }} }} }}",
    "all of messages": "query ($c: ID!) { channel(id: $c) { messages { edges { node {"
    f" {MESSAGE} channel {{ id name }} isPinned revisions {{ content editedAt }}"
    f" lastReply {{ id content sender {{ name }} }}"
    " readBy { totalCount edges { cursor node { readAt user { name } } }"
    f" {PAGE_INFO} }} }} }} }} }} }}",
    "all of files": "query ($c: ID!) { channel(id: $c) { messages { edges { node { attachments {"
    " id url thumbnailUrl fileName fileSize mimeType width height durationSeconds uploadedAt"
    " uploader { id } } } } } } }",
    "all of the viewer": "{ viewer { sendsReadReceipts user { id } unread { messages } channels"
    f" {{ edges {{ cursor node {{ id }} }} {PAGE_INFO} }} }} }}",
    "all of people": "query ($m: ID!, $e: ID!) { message(id: $m) { id content sender { id } }"
    " user(id: $e) { id name presence { status statusText statusEmoji lastSeenAt } }"
    f' users(search: "a") {{ edges {{ node {{ id }} }} {PAGE_INFO} }} }}',
    "search": 'query ($c: ID!) { searchMessages(query: "root", filter: {channelId: $c})'
    f" {{ edges {{ cursor snippet node {{ {MESSAGE} }} }} {PAGE_INFO} }} }}",
    "nothing": '{ channel(id: "00000000-0000-7000-8000-000000000000") { id cursor } }',
}


@pytest.fixture(scope="module")
async def channel(world: World) -> str:
    """A channel with something of everything in it."""
    channel = await world.carol.create_channel(world.dave, world.erin, topic="Everything")
    root = await world.carol.say(channel, "Root", mentionedUserIds=[world.dave.id])
    for person in (world.dave, world.erin):
        await person.say(channel, "Reply @channel", parentId=root, clientMessageId=f"x{channel}")
        for emoji in ("👍", "❤️"):
            await person.run(
                "mutation ($m: ID!, $e: String!) { addReaction(messageId: $m, emoji: $e)"
                " { message { id } } }",
                m=root,
                e=emoji,
            )
    edited = await world.dave.say(channel, "First words")
    await world.dave.run(
        'mutation ($m: ID!) { editMessage(messageId: $m, content: "Second") { message { id } } }',
        m=edited,
    )
    gone = await world.erin.say(channel, "Gone")
    await world.erin.run(
        "mutation ($m: ID!) { deleteMessage(messageId: $m) { message { id } } }", m=gone
    )
    database = world.database
    await database.execute(
        "insert into attachments (id, channel_id, message_id, uploader_id, object_key, file_name,"
        " file_size, mime_type, width, completed_at, thumbnail_key)"
        " values (gen_random_uuid(), $1, $2, $3, gen_random_uuid()::text, 'a.png', 12,"
        " 'image/png', 3, now(), gen_random_uuid()::text)",
        channel,
        root,
        world.carol.id,
    )
    return channel


@pytest.fixture
async def by_both(
    world: World, channel: str, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str, str], Awaitable[list[list[bytes]]]]:
    """What a document gives somebody by plans, and without."""
    root = await world.database.fetchval(
        "select id::text from messages where channel_id = $1 order by position limit 1", channel
    )
    # A link is signed for the second in which it is asked for.
    now = datetime(2026, 11, 21)  # noqa: DTZ001
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: now)

    async def results(document: str, who: str) -> list[list[bytes]]:
        viewer = await sign_in(world.services, world.ids[who], 60)
        everything = {"c": channel, "m": root, "e": world.erin.id}
        variables = {name: id for name, id in everything.items() if f"${name}:" in document}
        request = Request(document, variables, None, "request")
        found = []
        for executor in (PlanningExecutor, Executor):
            monkeypatch.setattr(execution.engine, "PlanningExecutor", executor)
            engine = Engine(graphql_schema(), world.services, introspection=True)
            # Twice: the second time everything about the document is known.
            found.append([await engine.execute(engine.prepare(request), viewer) for _ in range(2)])
        return found

    return results


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("who", ["carol", "dave"])
async def test_both_executors_give_the_same_bytes(
    by_both: Callable[[str, str], Awaitable[list[list[bytes]]]], name: str, who: str
) -> None:
    planned, plain = await by_both(DOCUMENTS[name], who)
    assert planned == plain
    assert b'"errors"' not in plain[0]


async def test_both_executors_refuse_an_argument_in_the_same_words(
    by_both: Callable[[str, str], Awaitable[list[list[bytes]]]],
) -> None:
    planned, plain = await by_both(
        "query ($c: ID!) { channel(id: $c) { messages { edges { node { id reactions"
        " { users(first: -1) { id } } } } } } }",
        "carol",
    )
    assert planned == plain
    assert b"BAD_USER_INPUT" in plain[0]


def test_every_field_that_can_be_read_is_compared() -> None:
    types = graphql_schema()
    known = TypeInfo(types)
    compared: set[tuple[str, str]] = set()

    class Collect(Visitor):
        def enter_field(self, node: FieldNode, *_: Any) -> None:
            parent = known.get_parent_type()
            assert parent is not None
            compared.add((parent.name, node.name.value))

    for document in DOCUMENTS.values():
        visit(parse(document), TypeInfoVisitor(known, Collect()))
    assert _readable(types.query_type, set()) - compared == set()


def _readable(type: Any, seen: set[str]) -> set[tuple[str, str]]:
    """Every field that a query can select, by its type."""
    type = get_named_type(type)
    if not isinstance(type, GraphQLObjectType) or type.name in seen:
        return set()
    seen.add(type.name)
    found = {(type.name, name) for name in type.fields}
    return found.union(*(_readable(field.type, seen) for field in type.fields.values()))


async def test_arguments_are_planned_where_they_are_written_out(world: World, channel: str) -> None:
    viewer = await sign_in(world.services, world.carol.id, 60)
    engine = Engine(graphql_schema(), world.services, introspection=True)
    planned = {}
    for count in ("1", "$n"):
        prepared = engine.prepare(
            Request(
                "query ($c: ID!, $n: Int = 1) { a: channel(id: $c) { messages(first: $n) { edges"
                f" {{ node {{ reactions {{ users(first: {count}) {{ id }} }} }} }} }} }} }}",
                {"c": channel},
                None,
                "request",
            )
        )
        await engine.execute(prepared, viewer)
        planned[count] = len(prepared.document.memo.plans)
    # One for the channel, which has none, and one for the page; or one for each part of it.
    assert planned["1"] == 2 < planned["$n"]


async def test_plain_selections_are_planned(world: World, channel: str) -> None:
    viewer = await sign_in(world.services, world.carol.id, 60)
    engine = Engine(graphql_schema(), world.services, introspection=True)
    prepared = engine.prepare(Request(DOCUMENTS["fragments"], {"c": channel}, None, "request"))
    await engine.execute(prepared, viewer)
    plans = prepared.document.memo.plans
    assert [plan is not None for plan in plans.values()] == [False, True]


@pytest.mark.parametrize(
    ("type", "value"),
    [
        ("String", None),
        ("String", 3),
        ("Int", 2**31),
        ("Int", True),
        ("Boolean", 1),
        ("DateTime", "2026-11-20"),
        ("ChannelType", "STRANGE"),
        ("PageInfo", None),
    ],
)
def test_a_plan_steps_back_from_a_value_that_is_not_as_promised(type: str, value: Any) -> None:
    selection = parse("{ f { hasNextPage } }" if type == "PageInfo" else "{ f }")
    node = selection.definitions[0].selection_set.selections[0]  # type: ignore[attr-defined]
    schema = graphql_schema()
    promised: Any = GraphQLNonNull(schema.type_map[type])
    fill = plan(promised, [node], Within(schema, {}))
    assert fill is not None
    with pytest.raises(NotPlain):
        fill(value, None)  # type: ignore[arg-type]
