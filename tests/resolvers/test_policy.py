"""Who may do what: every row of the policy, through the API."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from storage import ids
from storage.records import ChannelType
from tests.operations import document
from tests.places import ADMIN, MEMBER, OWNER, place, said
from tests.world import Person, RefusedError, Socket, World

# One letter each: Super admin, department Head, Employee, Intern (a role that permits nothing),
# support Agent, Client. A dot is nobody.
LETTERS = {"S": "alice", "H": "carol", "E": "dave", "I": "ivan", "A": "bob", "C": "frank"}

# manage: add, remove, and make an admin; crown: make an owner; change: react, mark read;
# delete: what somebody else has said. Who joins a channel they are in stays in.
POLICY = """
channel      standing  see     edit   manage  crown   join    leave   post    change  delete
dm           none      .       .      .       .       .       .       .       .       .
dm           member    SHEIAC  .      .       .       SHEIAC  .       SHEIAC  SHEIAC  S
private      none      .       .      .       .       .       .       .       .       .
private      member    SHEIAC  SH     SH      SH      SHEIAC  SHEIAC  SHEIAC  SHEIAC  S
private      admin     SHEIAC  SHEIA  SHEIA   SH      SHEIAC  SHEIAC  SHEIAC  SHEIAC  SHEIAC
private      owner     SHEIAC  SHEIA  SHEIA   SHEIA   SHEIAC  SHEIAC  SHEIAC  SHEIAC  SHEIAC
public       none      SHEIA   SH     SH      SH      SHEIA   .       .       .       .
public       member    SHEIAC  SH     SH      SH      SHEIAC  SHEIAC  SHEIAC  SHEIAC  S
public       admin     SHEIAC  SHEIA  SHEIA   SH      SHEIAC  SHEIAC  SHEIAC  SHEIAC  SHEIAC
public       owner     SHEIAC  SHEIA  SHEIA   SHEIA   SHEIAC  SHEIAC  SHEIAC  SHEIAC  SHEIAC
general      none      SHEIA   SH     SH      SH      SHEIA   .       .       .       .
general      member    SHEIAC  SH     SH      SH      SHEIAC  SHEIAC  SHE     SHEIAC  S
general      admin     SHEIAC  SHEIA  SHEIA   SH      SHEIAC  SHEIAC  SHE     SHEIAC  SHEIAC
general      owner     SHEIAC  SHEIA  SHEIA   SHEIA   SHEIAC  SHEIAC  SHE     SHEIAC  SHEIAC
abroad       none      S       S      S       S       S       .       .       .       .
abroad       member    SHEIAC  SH     SH      SH      SHEIAC  SHEIAC  SHE     SHEIAC  S
department   none      S       S      S       S       .       .       .       .       .
department   member    SHEIAC  SH     SH      SH      SHEIAC  SHEIAC  SHEIAC  SHEIAC  S
department   admin     SHEIAC  SHEIA  SHEIA   SH      SHEIAC  SHEIAC  SHEIAC  SHEIAC  SHEIAC
project      none      S       S      S       S       .       .       .       .       .
project      member    SHEIAC  SH     SH      SH      SHEIAC  SHEIAC  SHEIAC  SHEIAC  S
support      none      S       S      S       S       .       .       .       .       .
support      member    SHEIAC  SH     SH      SH      SHEIAC  SHEIAC  SHEIAC  SHEIAC  S
closed       none      .       .      .       .       .       .       .       .       .
closed       member    SHEIAC  SH     SH      SH      SHEIAC  SHEIAC  SHEIAC  SHEIAC  S
"""

KINDS: dict[str, tuple[ChannelType, dict[str, Any]]] = {
    "dm": (ChannelType.DM, {}),
    "private": (ChannelType.GROUP, {"is_private": True}),
    "public": (ChannelType.GROUP, {}),
    "general": (ChannelType.GENERAL, {}),
    # Of a department that none of these people is in.
    "abroad": (ChannelType.GENERAL, {"department_id": "a" * 24}),
    "department": (ChannelType.DEPARTMENT, {"department_id": "a" * 24}),
    "project": (ChannelType.PROJECT, {"project_id": "b" * 24}),
    "support": (ChannelType.CLIENT_SUPPORT, {}),
    # A channel of the directory's that is private, too.
    "closed": (ChannelType.PROJECT, {"is_private": True, "project_id": "c" * 24}),
}
STANDINGS = {"none": None, "member": MEMBER, "admin": ADMIN, "owner": OWNER}

SEEN = """query ($channel: ID!, $message: ID!) {
  channel(id: $channel) { id messages { edges { node { id } } } }
  message(id: $message) { id }
}"""

HEADER, *ROWS = [line.split() for line in POLICY.strip().splitlines()]


@dataclass
class Cast:
    """Who acts, and whom it happens to."""

    sockets: dict[str, Socket]
    elder: Person
    plain: Person
    newcomer: Person


@pytest.fixture(scope="module")
async def cast(world: World) -> AsyncIterator[Cast]:
    async with AsyncExitStack() as stack:
        sockets = {
            letter: await stack.enter_async_context(Person(world, key, world.ids[key]).socket())
            for letter, key in LETTERS.items()
        }
        others = [await world.new_person(f"Policy {number}") for number in range(3)]
        yield Cast(sockets, *others)


def actions(cast: Cast, channel: str, message: str) -> list[tuple[str, str, dict[str, Any]]]:
    """The column, name and arguments of everything to try, what changes most last."""
    plain = {"channelId": channel, "userId": cast.plain.id}
    emoji = {"messageId": message, "emoji": "\U0001f44d"}
    return [
        ("change", "markRead", {"channelId": channel}),
        ("change", "addReaction", emoji),
        ("change", "removeReaction", emoji),
        ("post", "setTyping", {"channelId": channel}),
        ("post", "sendMessage", {"input": {"channelId": channel, "content": "A word"}}),
        ("nobody", "editMessage", {"messageId": message, "content": "Their word"}),
        ("edit", "updateChannel", {"input": {"channelId": channel, "topic": "Another"}}),
        ("manage", "addMembers", {"channelId": channel, "userIds": [cast.newcomer.id]}),
        ("manage", "updateMemberRole", {**plain, "role": "ADMIN"}),
        ("crown", "updateMemberRole", {**plain, "role": "OWNER"}),
        ("manage", "removeMember", plain),
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


@pytest.mark.parametrize("row", ROWS, ids=lambda row: "-".join(row[:2]))
async def test_everybody_may_do_what_the_policy_says_and_nothing_else(
    world: World, cast: Cast, row: list[str]
) -> None:
    kind, standing = row[:2]
    allowed = dict(zip(HEADER[2:], row[2:], strict=True))
    await asyncio.gather(
        *(judge(world, cast, kind, standing, letter, allowed) for letter in LETTERS)
    )


async def judge(
    world: World, cast: Cast, kind: str, standing: str, letter: str, allowed: dict[str, str]
) -> None:
    type, columns = KINDS[kind]
    role = STANDINGS[standing]
    actor = Person(world, letter, world.ids[LETTERS[letter]])
    elders = (cast.elder, MEMBER if kind == "dm" else OWNER), (cast.plain, MEMBER)
    own = [] if role is None else [(actor, role)]
    channel = await place(world, type, *elders, *own, **columns)
    message = await said(world, channel, cast.elder)
    socket = cast.sockets[letter]

    is_seen = await seen(socket, channel, message)
    assert is_seen == (letter in allowed["see"]), f"{letter} sees"
    todo = actions(cast, channel, message)
    granted = [action for action in todo if letter in allowed.get(action[0], "")]
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
    ("type", "makers"), [("GROUP", "SHEA"), ("GENERAL", "SH"), ("DM", ""), ("DEPARTMENT", "")]
)
async def test_who_makes_channels(world: World, cast: Cast, type: str, makers: str) -> None:
    for letter, socket in cast.sockets.items():
        count = "select count(*) from channels"
        before = await world.services.database.fetchval(count)
        input = {"type": type, "name": f"Made {ids.new_id()}"}
        code = await outcome(socket, "createChannel", {"input": input})
        if letter in makers:
            assert code == "OK", letter
        else:
            by_hand = letter != "C" and not makers
            assert code == ("BAD_USER_INPUT" if by_hand else "FORBIDDEN"), letter
            assert await world.services.database.fetchval(count) == before


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
