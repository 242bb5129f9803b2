"""A plan fills in exactly what graphql-core would."""

from typing import Any

import pytest
from graphql import Executor, GraphQLNonNull, parse

import schema.engine
from resolvers.viewer import sign_in
from schema import graphql_schema
from schema.engine import Engine, Request
from schema.executor import PlanningExecutor
from schema.plans import NotPlain, plan
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
        " file_size, mime_type, width, completed_at)"
        " values (gen_random_uuid(), $1, $2, $3, gen_random_uuid()::text, 'a.png', 12,"
        " 'image/png', 3, now())",
        channel,
        root,
        world.carol.id,
    )
    return channel


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("who", ["carol", "dave"])
async def test_both_executors_give_the_same_bytes(
    world: World, channel: str, name: str, who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer = await sign_in(world.services, world.ids[who], 60)
    request = Request(DOCUMENTS[name], {"c": channel}, None, "request")

    async def result(executor: type[Executor[Any]]) -> list[bytes]:
        monkeypatch.setattr(schema.engine, "PlanningExecutor", executor)
        engine = Engine(graphql_schema(), world.services, introspection=True)
        # Twice: the second time everything about the document is known.
        return [await engine.execute(engine.prepare(request), viewer) for _ in range(2)]

    planned, plain = await result(PlanningExecutor), await result(Executor)
    assert planned == plain
    assert b'"errors"' not in plain[0]


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
    fill = plan(GraphQLNonNull(graphql_schema().type_map[type]), [node], {})  # type: ignore[arg-type]
    assert fill is not None
    with pytest.raises(NotPlain):
        fill(value, None)  # type: ignore[arg-type]
