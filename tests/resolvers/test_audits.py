"""Super admins who read what they are not in: only where the operator says so, and recorded."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from storage.records import ChannelType
from tests.end_to_end.house import furnished
from tests.operations import UNKNOWN_ID, denied, do
from tests.places import MEMBER, place, said
from tests.walk import Examples, Place, places, root_fields, whole
from tests.world import RefusedError, World

INSIDE = "{ id messages { edges { node { content } } } members { edges { node { role } } } }"


@pytest.fixture(scope="module")
async def unlocked(world: World) -> AsyncIterator[World]:
    """The same company by way of a server whose super admins read everything."""
    async with world.another_server(super_admin_reads_everything=True) as server:
        yield server


async def secret(world: World, type: ChannelType = ChannelType.DM) -> tuple[str, str]:
    """A private channel of dave's and erin's, and a message in it."""
    people = (world.dave, MEMBER), (world.erin, MEMBER)
    id = await place(world, type, *people, is_private=True)
    return id, await said(world, id, world.dave)


async def looks(world: World, *channels: str) -> list[tuple[Any, ...]]:
    rows = await world.database.fetch(
        "select actor_id, action, channel_id::text, message_id::text from audits"
        " where channel_id = any($1::uuid[]) and at between now() - interval '1 hour' and now()"
        " order by id",
        channels,
    )
    return [tuple(row) for row in rows]


@pytest.mark.parametrize("type", [ChannelType.DM, ChannelType.GROUP, ChannelType.PROJECT])
async def test_a_look_is_recorded_before_it_is_answered(unlocked: World, type: ChannelType) -> None:
    alice = unlocked.alice
    id, message = await secret(unlocked, type)
    seen = await do(alice, "channel", INSIDE, id=id)
    assert seen["messages"]["edges"] == [{"node": {"content": "A word of mine"}}]
    assert await looks(unlocked, id) == [(alice.id, "READ_CHANNEL", id, None)]
    assert (await do(alice, "message", "{ id }", id=message)) == {"id": message}
    assert (await looks(unlocked, id))[1:] == [(alice.id, "READ_MESSAGE", id, message)]
    async with alice.socket() as socket:
        operation = await socket.subscribe(
            "subscription ($id: ID!) { messageAdded(channelId: $id) { id } }", id=id
        )
        await unlocked.followed(id)
        assert (await looks(unlocked, id))[2:] == [(alice.id, "FOLLOW_CHANNEL", id, None)]
        last = await unlocked.dave.say(id)
        assert await operation.next() == {"messageAdded": {"id": last}}


async def test_who_goes_on_from_a_message_to_its_channel_looks_at_both(unlocked: World) -> None:
    id, message = await secret(unlocked)
    around = "{ channel { messages { edges { node { content } } } } }"
    by_reply = "{ parent { id } replies { edges { node { channel { topic } } } } }"
    for looked, selection in enumerate((around, by_reply, "{ channelId }"), 1):
        assert await do(unlocked.alice, "message", selection, id=message)
        actions = Counter(action for _, action, _, _ in await looks(unlocked, id))
        assert actions == {"READ_MESSAGE": looked, "READ_CHANNEL": min(looked, 2)}


async def test_who_is_in_a_channel_or_may_look_anyway_is_not_recorded(unlocked: World) -> None:
    own = await place(unlocked, ChannelType.DM, (unlocked.alice, MEMBER), (unlocked.dave, MEMBER))
    public = await unlocked.dave.create_channel(isPrivate=False)
    department = await place(unlocked, ChannelType.DEPARTMENT, (unlocked.dave, MEMBER))
    for id in (own, public, department):
        assert await do(unlocked.alice, "channel", INSIDE, id=id)
    hidden, message = await secret(unlocked)
    for person in (unlocked.carol, unlocked.bob, unlocked.frank):
        assert await do(person, "channel", "{ id }", id=hidden) is None
        assert await do(person, "message", "{ id }", id=message) is None
    assert await do(unlocked.dave, "channel", INSIDE, id=hidden)
    assert await looks(unlocked, own, public, department, hidden) == []


async def test_without_the_setting_there_is_nothing_to_look_at(world: World) -> None:
    id, message = await secret(world)
    assert await do(world.alice, "channel", "{ id }", id=id) is None
    assert await do(world.alice, "message", "{ id }", id=message) is None
    assert await looks(world, id) == []


async def test_who_looks_changes_nothing_and_hears_why(unlocked: World) -> None:
    id, message = await secret(unlocked, ChannelType.GROUP)
    deleted = await unlocked.dave.say(id)
    await do(unlocked.dave, "deleteMessage", messageId=deleted)
    before = await unlocked.state_of(id)
    person = {"channelId": id, "userId": unlocked.dave.id}
    for name, arguments in (
        ("sendMessage", {"input": {"channelId": id, "content": "A word"}}),
        ("updateChannel", {"input": {"channelId": id, "topic": "Mine"}}),
        ("addMembers", {"channelId": id, "userIds": [unlocked.alice.id]}),
        ("removeMember", person),
        ("updateMemberRole", {**person, "role": "OWNER"}),
        ("joinChannel", {"channelId": id}),
        ("leaveChannel", {"channelId": id}),
        ("markRead", {"channelId": id}),
        ("setTyping", {"channelId": id}),
        ("addReaction", {"messageId": message, "emoji": "\U0001f44d"}),
        ("editMessage", {"messageId": message, "content": "Mine"}),
        ("deleteMessage", {"messageId": message}),
        ("deleteMessage", {"messageId": deleted}),
    ):
        assert (await denied(unlocked.alice, name, **arguments)).code == "FORBIDDEN", name
    assert await unlocked.state_of(id) == before
    assert (await denied(unlocked.alice, "joinChannel", channelId=UNKNOWN_ID)).code == "NOT_FOUND"


@asynccontextmanager
async def nothing_recorded(world: World) -> AsyncIterator[None]:
    database = world.database
    await database.execute("alter table audits add constraint full_disk check (false) not valid")
    try:
        yield
    finally:
        await database.execute("alter table audits drop constraint full_disk")


async def test_what_cannot_be_recorded_is_not_shown(unlocked: World) -> None:
    id, message = await secret(unlocked)
    async with nothing_recorded(unlocked):
        for name, of in (("channel", id), ("message", message)):
            with pytest.raises(RefusedError) as caught:
                await do(unlocked.alice, name, "{ id }", id=of)
            assert caught.value.code == "INTERNAL"
        assert await do(unlocked.dave, "channel", "{ id }", id=id) == {"id": id}
    assert await looks(unlocked, id) == []


async def test_no_answer_shows_what_is_private_without_a_record(unlocked: World) -> None:
    """Not by any field or argument there is, nor by any that is added tomorrow."""
    alice, dave = unlocked.alice, unlocked.dave
    id = await dave.create_channel(unlocked.erin, name="Heliotropes")
    message = await dave.say(id, "A heliotrope")
    good = (await furnished(unlocked)).examples | {"searchMessages.query": "heliotrope"}
    wanted = {"ID": id, "channel.id": id, "message.id": message}
    wanted |= {"channelId": id, "messageId": message, "parentId": message}
    optional = [p for p in places() if p.operation == "query" and not p.is_required]
    tries: list[tuple[str, Examples, tuple[Place, Any] | None]]
    tries = [(name, good | more, None) for name in root_fields("query") for more in ({}, wanted)]
    tries += [(p.steps[0].name, good, (p, id)) for p in optional if p.type == "ID"]
    showed = set()
    for name, examples, given in tries:
        before = await looks(unlocked, id)
        text = (await alice.respond(whole("query", name, examples, given=given))).text
        if "heliotrope" in text.lower():
            showed.add(name)
            assert len(await looks(unlocked, id)) > len(before), (name, given)
        else:
            assert await looks(unlocked, id) == before, (name, given)
    assert showed == {"channel", "message", "searchMessages"}
    state = await unlocked.state_of(id)
    for name in root_fields("mutation"):
        text = (await alice.respond(whole("mutation", name, good | wanted))).text
        assert "heliotrope" not in text.lower(), name
    assert await unlocked.state_of(id) == state
