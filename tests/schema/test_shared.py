"""A field that is marked as shared gives every viewer the same, so one answer may go to many."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from graphql import (
    Executor,
)

import execution.rendering
from execution.engine import Engine
from execution.rendering import Rendering
from execution.requests import Prepared, Request
from realtime.source import settled
from resolvers.viewer import Viewer, sign_in
from schema import graphql_schema
from schema.documents import Documents
from schema.events import EVENT_TYPES
from schema.subscription import SOURCES
from storage import events, ids
from storage.events import Typed
from storage.records import MarkerMoved, PresenceRecord
from tests.operations import do
from tests.schema.shared import (
    Field,
    event_documents,
    marked_as_shared,
    marker_document,
    page_document,
    presence_document,
    typing_document,
)
from tests.world import World

ROOTS = {"Query", "Mutation", "Subscription"}


@dataclass
class Scene:
    """A channel in which everything has happened, and who may look at it."""

    channel: str
    viewers: list[Viewer]


@pytest.fixture(scope="module")
async def scene(world: World) -> Scene:
    carol, dave, erin, frank = world.carol, world.dave, world.erin, world.frank
    channel = await carol.create_channel(dave, erin, frank, topic="Everything")
    root = await carol.say(channel, "Root", mentionedUserIds=[dave.id, frank.id])
    await dave.say(channel, "Reply", parentId=root, clientMessageId=f"dave's {channel}")
    for person in (dave, frank, carol):
        await do(person, "addReaction", messageId=root, emoji="👍")
    for name in ("pinMessage", "unpinMessage"):
        await do(dave, name, messageId=root)
    await do(frank, "addReaction", messageId=root, emoji="🎉")
    await do(frank, "removeReaction", messageId=root, emoji="🎉")
    await do(carol, "editMessage", messageId=root, content="Root, edited")
    await do(dave, "deleteMessage", messageId=await dave.say(channel, "Gone"))
    await do(carol, "updateMemberRole", channelId=channel, userId=dave.id, role="ADMIN")
    await do(erin, "leaveChannel", channelId=channel)
    await do(carol, "updateChannel", input={"channelId": channel, "topic": "All of it"})
    await world.database.execute(
        "insert into attachments (id, channel_id, message_id, uploader_id, object_key, file_name,"
        " file_size, mime_type, completed_at) values"
        " (gen_random_uuid(), $1, $2, $3, gen_random_uuid()::text, 'a.png', 1, 'image/png', now())",
        channel,
        root,
        carol.id,
    )
    people = [carol, dave, frank]
    viewers = [await sign_in(world.services, person.id, 60) for person in people]
    return Scene(channel, viewers)


def test_every_field_that_is_marked_is_looked_at() -> None:
    covered: set[Field] = set()
    documents = (
        event_documents,
        typing_document,
        marker_document,
        presence_document,
        page_document,
    )
    for document in documents:
        document(covered)
    assert marked_as_shared() - covered == set()
    assert not any(type in ROOTS for type, _ in covered)


async def test_every_viewer_gets_the_same_of_every_kind_of_event(
    world: World, scene: Scene
) -> None:
    engine = Engine(graphql_schema(), world.services, introspection=True)
    prepared = {
        kind: engine.prepare(Request(document, {"id": scene.channel}, None, "request"))
        for kind, document in event_documents(set()).items()
    }
    assert all(each.document.is_shared for each in prepared.values())
    happened = await events.read_after(world.database, {scene.channel: 0}, 100)
    assert {event.kind for event in happened} == prepared.keys()
    for event in happened:
        root = SOURCES["channelEvents"](event)
        # Nobody at all is whom an event is rendered for when it goes to many.
        results = {
            _unsigned(await rendered(engine, prepared[event.kind], viewer, event, root))
            for viewer in [*scene.viewers, None]
        }
        (result,) = results
        assert b'"errors"' not in result


async def rendered(
    engine: Engine, prepared: Prepared, viewer: Viewer | None, signal: Any, root: Any
) -> bytes:
    found = await settled(Rendering(engine._kitchen, prepared, viewer).render(root, signal, {}))
    assert found is not None
    return found


SHOWN = """
    __typename cursor channelId occurredAt actor { id name }
    ... on ChannelEvent { at: occurredAt }
    ... on MessageSent { message { ...Shown } }
    ... on MessageEdited { message { ...Shown isEdited } }
    ... on MessageDeleted { messageId }
    ... on ReactionAdded { messageId emoji user { name } }
    ... on ReactionRemoved { messageId emoji user { name } }
    ... on MessagePinned { message { id isPinned } }
    ... on MessageUnpinned { message { id isPinned } }
    ... on MemberJoined { user { name avatarUrl } }
    ... on MemberLeft { user { name avatarUrl } }
    ... on MemberRoleChanged { user { name } role }
    ... on ChannelUpdated { channel { id name topic } }
"""
IN_MESSAGES = """
    id channelId content contentType sender { id name isActive } replyCount createdAt isPinned
    isEdited editedAt isDeleted clientMessageId mentions { name } parent { content }
    reactions { emoji count users { name } viewerHasReacted } attachments { fileName fileSize }
    lastReply { content } revisions { content editedAt }
"""


@pytest.mark.parametrize("shown", ["id content sender { id name }", IN_MESSAGES])
@pytest.mark.parametrize("field", ["channelEvents", "messageAdded"])
async def test_of_every_kind_of_event_a_plan_gives_what_graphql_core_gives_and_at_once(
    world: World, scene: Scene, monkeypatch: pytest.MonkeyPatch, field: str, shown: str
) -> None:
    engine = Engine(graphql_schema(), world.services, introspection=True)
    selected = SHOWN if field == "channelEvents" else "...Shown"
    query = (
        f"subscription ($id: ID!) {{ told: {field}(channelId: $id) {{ {selected} }} }}"
        f" fragment Shown on Message {{ {shown} }}"
    )
    prepared = engine.prepare(Request(query, {"id": scene.channel}, None, "request"))
    viewer = scene.viewers[0]
    at_once = set()
    for event in await events.read_after(world.database, {scene.channel: 0}, 100):
        root = SOURCES[field](event)
        if root is None:
            continue
        together: dict[Any, Any] = {}
        rendering = Rendering(engine._kitchen, prepared, viewer)
        first = await settled(rendering.render(root, event, together))
        # What has to be read ahead has been, for whoever is told of it now.
        second = rendering.render(root, event, together)
        if isinstance(second, bytes):
            at_once.add(event.kind)
        with monkeypatch.context() as patch:
            patch.setattr(execution.rendering, "PlanningExecutor", Executor)
            plain = Rendering(engine._kitchen, prepared, viewer)
            plain._fill = None
            assert await settled(plain.render(root, event, {})) == first
        assert await settled(second) == first
        assert first is not None
        assert b'"errors"' not in first
    kinds = {kind.__name__ for kind in EVENT_TYPES}
    assert at_once == (kinds if field == "channelEvents" else {"MessageSent"})


def _unsigned(result: bytes) -> bytes:
    """Without the signatures of links, which change with the time."""
    return re.sub(rb"\?[^\"]*X-Amz-[^\"]*", b"", result)


async def test_every_viewer_gets_the_same_of_typing(world: World, scene: Scene) -> None:
    engine = Engine(graphql_schema(), world.services, introspection=True)
    prepared = engine.prepare(
        Request(typing_document(set()), {"id": scene.channel}, None, "request")
    )
    typed = Typed(scene.channel, world.erin.id, True)
    results = {
        await rendered(engine, prepared, viewer, typed, typed) for viewer in [*scene.viewers, None]
    }
    (result,) = results
    assert b"Erin Evans" in result


async def test_every_viewer_gets_the_same_of_presence(world: World, scene: Scene) -> None:
    engine = Engine(graphql_schema(), world.services, introspection=True)
    prepared = engine.prepare(Request(presence_document(set()), {"ids": []}, None, "request"))
    busy = PresenceRecord(world.erin.id, "BUSY", "Thinking", "🤔", None)
    results = {
        await rendered(engine, prepared, viewer, busy, busy) for viewer in [*scene.viewers, None]
    }
    (result,) = results
    assert b"Erin Evans" in result
    assert b"Thinking" in result


async def test_every_viewer_gets_the_same_of_a_read_marker(world: World, scene: Scene) -> None:
    engine = Engine(graphql_schema(), world.services, introspection=True)
    prepared = engine.prepare(
        Request(marker_document(set()), {"id": scene.channel}, None, "request")
    )
    moved = MarkerMoved(scene.channel, world.erin.id, ids.new_id(), datetime.now(UTC), frozenset())
    results = {
        await rendered(engine, prepared, viewer, moved, moved) for viewer in [*scene.viewers, None]
    }
    (result,) = results
    assert b"Erin Evans" in result


async def test_every_member_gets_the_same_of_a_page(world: World, scene: Scene) -> None:
    engine = Engine(graphql_schema(), world.services, introspection=True)
    request = Request(page_document(set()), {"id": scene.channel}, None, "request")
    results = {
        _unsigned(await engine.execute(engine.prepare(request), viewer)) for viewer in scene.viewers
    }
    (result,) = results
    assert b'"errors"' not in result


@pytest.mark.parametrize(
    ("selected", "shared"),
    [
        ("{ id content sender { name } }", True),
        ("{ id clientMessageId }", False),
        ("{ reactions { emoji count users { id } } }", True),
        ("{ reactions { viewerHasReacted } }", False),
        ("{ channel { name cursor memberCount } }", True),
        ("{ channel { unreadCount } }", False),
        ("{ channel { membership { role } } }", False),
        ("{ parent { replies { edges { node { clientMessageId } } } } }", False),
        ("{ ...F } fragment F on Message { id ...G } fragment G on Message { id }", True),
        (
            "{ ...F } fragment F on Message { ...G } fragment G on Message { clientMessageId }",
            False,
        ),
        ("{ ... on Message { ... { mine: clientMessageId } } }", False),
        ("{ channel { members { edges { node { invitedBy { id } } } } } }", False),
        ("{ id clientMessageId @skip(if: true) }", False),
    ],
)
def test_a_document_is_shared_unless_it_asks_for_something_of_the_viewer_s(
    selected: str, shared: bool
) -> None:
    documents = Documents(graphql_schema(), introspection=True)
    text = f"subscription {{ messageAdded(channelId: 1) {selected}"
    first, _, fragments = text.partition(" fragment ")
    text = first + " }" + (f" fragment {fragments}" if fragments else "")
    assert documents.get(text).is_shared is shared


@pytest.mark.parametrize(
    ("selected", "shared", "shared_inside"),
    [
        ("{ cursor occurredAt }", True, True),
        ("{ cursor actor { name } }", False, True),
        ("{ actor { name } ... on MessageSent { message { clientMessageId } } }", False, False),
        ("{ ... on MemberJoined { user { presence { status } } } }", False, True),
    ],
)
def test_who_did_something_is_the_same_for_everybody_inside(
    selected: str, shared: bool, shared_inside: bool
) -> None:
    document = Documents(graphql_schema(), introspection=True).get(
        f"subscription {{ channelEvents(channelId: 1) {selected} }}"
    )
    assert (document.is_shared, document.is_shared_inside) == (shared, shared_inside)
