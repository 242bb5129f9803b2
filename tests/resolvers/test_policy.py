"""Who may do what: the rows of the table in docs/security.md, through the API."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from storage import ids
from storage.records import ChannelType
from tests.operations import document
from tests.places import MEMBER, OWNER, archive, place, said
from tests.resolvers.policy_table import CHANNELS, ROLES, Row, rows
from tests.world import TEAMS, Person, RefusedError, Socket, World

# Whom the world has of the people in the table.
LETTERS = {"S": "alice", "H": "carol", "G": "dave", "I": "ivan", "A": "bob", "C": "frank"}

ROWS = [
    row
    for row in rows()
    if row.channel != "general, of a department" and (row.role != "admin" or "group" in row.channel)
]
"""The people of the world are in no department; see the last test. Admins are alike everywhere."""

SEEN = """query ($channel: ID!, $message: ID!) {
  channel(id: $channel) { id messages { edges { node { id } } } }
  message(id: $message) { id }
}"""


@dataclass
class Cast:
    """Who acts, and whom it happens to."""

    sockets: dict[str, Socket]
    elder: Person
    crowned: Person
    plain: Person
    newcomer: Person


@pytest.fixture(scope="module")
async def cast(world: World) -> AsyncIterator[Cast]:
    async with AsyncExitStack() as stack:
        sockets = {
            letter: await stack.enter_async_context(Person(world, key, world.ids[key]).socket())
            for letter, key in LETTERS.items()
        }
        others = [await world.new_person(f"Policy {number}") for number in range(4)]
        yield Cast(sockets, *others)


def actions(cast: Cast, channel: str, message: str) -> list[tuple[str, str, dict[str, Any]]]:
    """The column, name and arguments of everything to try, what changes most last."""
    plain = {"channelId": channel, "userId": cast.plain.id}
    crowned = {"channelId": channel, "userId": cast.crowned.id}
    emoji = {"messageId": message, "emoji": "\U0001f44d"}
    return [
        ("read", "markRead", {"channelId": channel}),
        ("read", "markUnread", {"messageId": message}),
        ("read", "updateChannelPreferences", {"input": {"channelId": channel, "isMuted": True}}),
        ("react", "addReaction", emoji),
        ("react", "removeReaction", emoji),
        ("send", "setTyping", {"channelId": channel}),
        ("send", "sendMessage", {"input": {"channelId": channel, "content": "A word"}}),
        ("send", "pinMessage", {"messageId": message}),
        ("send", "unpinMessage", {"messageId": message}),
        ("nobody", "editMessage", {"messageId": message, "content": "Their word"}),
        ("edit", "updateChannel", {"input": {"channelId": channel, "topic": "Another"}}),
        ("members", "addMembers", {"channelId": channel, "userIds": [cast.newcomer.id]}),
        ("members", "updateMemberRole", {**plain, "role": "ADMIN"}),
        ("owners", "updateMemberRole", {**plain, "role": "OWNER"}),
        ("owners", "updateMemberRole", {**crowned, "role": "ADMIN"}),
        ("owners", "removeMember", {"channelId": channel, "userId": cast.elder.id}),
        ("members", "removeMember", {"channelId": channel, "userId": cast.newcomer.id}),
        ("delete", "deleteMessage", {"messageId": message}),
        ("join", "joinChannel", {"channelId": channel}),
        ("leave", "leaveChannel", {"channelId": channel}),
    ]


async def outcome(socket: Socket, name: str, arguments: dict[str, Any]) -> str:
    try:
        await socket.run(document(name, arguments), **arguments)
    except RefusedError as refusal:
        return str(refusal.code)
    return "OK"


async def seen(socket: Socket, channel: str, message: str) -> bool:
    """Whether the channel and the message are there for them; both or neither."""
    data = await socket.run(SEEN, channel=channel, message=message)
    assert (data["channel"] is None) == (data["message"] is None)
    return data["channel"] is not None


@pytest.mark.parametrize("row", ROWS, ids=str)
async def test_everybody_may_do_what_the_policy_says_and_nothing_else(
    world: World, cast: Cast, row: Row
) -> None:
    await asyncio.gather(*(judge(world, cast, row, letter) for letter in LETTERS))


async def furnish(world: World, cast: Cast, row: Row, letter: str) -> str:
    type, columns = CHANNELS[row.channel]
    columns = dict(columns)
    role = ROLES[row.role]
    elder = MEMBER if type == ChannelType.DM else OWNER
    own = [] if role is None else [(Person(world, letter, world.ids[LETTERS[letter]]), role)]
    others = (cast.elder, elder), (cast.crowned, elder), (cast.plain, MEMBER)
    return await place(world, type, *others, *own, **columns)


async def judge(world: World, cast: Cast, row: Row, letter: str) -> None:
    channel = await furnish(world, cast, row, letter)
    message = await said(world, channel, cast.elder)
    socket = cast.sockets[letter]

    is_seen = await seen(socket, channel, message)
    assert is_seen == (letter in row.cells["see"]), f"{letter} sees"
    todo = actions(cast, channel, message)
    # Who joins a channel they are in stays in.
    stays = "joinChannel" if row.role != "none" else None
    granted = [
        action
        for action in todo
        if letter in row.cells.get(action[0], ())
        or (letter in row.cells["see"] and action[1] == stays)
    ]
    before = await world.state_of(channel)
    for action in todo:
        if action not in granted:
            _, name, arguments = action
            code = await outcome(socket, name, arguments)
            assert code == ("FORBIDDEN" if is_seen else "NOT_FOUND"), f"{letter} {action}"
    assert await world.state_of(channel) == before, f"{letter} changed something"
    for _, name, arguments in granted:
        assert await outcome(socket, name, arguments) == "OK", f"{letter} {name}"


@pytest.mark.parametrize(
    "row",
    [row for row in ROWS if row.role in ("none", "owner") and "group" in row.channel],
    ids=str,
)
async def test_an_archived_channel_is_read_and_left_and_not_written(
    world: World, cast: Cast, row: Row
) -> None:
    for letter, socket in cast.sockets.items():
        channel = await furnish(world, cast, row, letter)
        message = await said(world, channel, cast.elder)
        await archive(world, channel)
        is_seen = await seen(socket, channel, message)
        assert is_seen == (letter in row.cells["see"])
        before = await world.state_of(channel)
        for action, name, arguments in actions(cast, channel, message):
            if action not in ("read", "leave") and (name != "joinChannel" or row.role == "none"):
                code = await outcome(socket, name, arguments)
                assert code == ("CONFLICT" if is_seen else "NOT_FOUND"), f"{letter} {name}"
        assert await world.state_of(channel) == before
        if letter in row.cells["leave"]:
            assert await outcome(socket, "markRead", {"channelId": channel}) == "OK"
            assert await outcome(socket, "leaveChannel", {"channelId": channel}) == "OK"


@pytest.mark.parametrize(
    ("type", "makers"), [("GROUP", "SHGA"), ("GENERAL", "SH"), ("DM", ""), ("DEPARTMENT", "")]
)
async def test_who_makes_channels(world: World, cast: Cast, type: str, makers: str) -> None:
    for letter, socket in cast.sockets.items():
        count = "select count(*) from channels"
        before = await world.database.fetchval(count)
        input = {"type": type, "name": f"Made {ids.new_id()}"}
        code = await outcome(socket, "createChannel", {"input": input})
        if letter in makers:
            assert code == "OK", letter
        else:
            by_hand = letter != "C" and not makers
            assert code == ("BAD_USER_INPUT" if by_hand else "FORBIDDEN"), letter
            assert await world.database.fetchval(count) == before


async def test_a_general_channel_of_a_department_is_open_to_its_people(world: World) -> None:
    insider = await world.new_person("Policy insider", departmentId="a" * 24)
    client = await world.new_person(
        "Policy client", departmentId="a" * 24, isClient=True, role=None
    )
    channel = await place(world, ChannelType.GENERAL, (insider, OWNER), department_id="a" * 24)
    other = await world.new_person("Policy other insider", departmentId="a" * 24)
    message = await said(world, channel, insider)
    async with other.socket() as socket:
        assert await seen(socket, channel, message)
        assert await outcome(socket, "joinChannel", {"channelId": channel}) == "OK"
    async with client.socket() as socket:
        assert not await seen(socket, channel, message)
        assert await outcome(socket, "joinChannel", {"channelId": channel}) == "NOT_FOUND"


async def test_what_the_operator_decides_of_posts_and_of_other_teams(world: World) -> None:
    general = await place(world, ChannelType.GENERAL, (world.carol, OWNER), (world.ivan, MEMBER))
    post = {"input": {"channelId": general, "content": "A word"}}
    before = await world.state_of(general)

    async def writes_to(person: Person, **document: Any) -> str:
        # Somebody new each time: what is open already stays open.
        other = await world.new_person("Policy other", **document)
        async with person.socket() as socket:
            return await outcome(socket, "openDirectMessage", {"userIds": [other.id]})

    far, client = {"teamId": TEAMS["other"]}, {"isClient": True, "role": None}
    async with world.ivan.socket() as ivan:
        assert await outcome(ivan, "sendMessage", post) == "FORBIDDEN"
    assert await world.state_of(general) == before
    assert await writes_to(world.carol, **far) == "OK"
    assert await writes_to(world.carol, **client) == "OK"
    decided = {"general_posts": "everybody", "admins_across_teams": False}
    async with world.another_server(**decided) as server:
        async with server.ivan.socket() as ivan:
            assert await outcome(ivan, "sendMessage", post) == "OK"
        assert await writes_to(server.carol, **far) == "FORBIDDEN"
        assert await writes_to(server.carol, **client) == "FORBIDDEN"
        assert await writes_to(server.carol) == "OK"
        assert await writes_to(server.alice, **far) == "OK"
        assert await writes_to(server.bob, **client) == "OK"
