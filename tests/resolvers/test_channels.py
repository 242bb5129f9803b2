"""Channels: made, looked at and changed."""

from typing import Any

import pytest

from storage.errors import ErrorCode
from storage.records import ChannelType
from tests.operations import (
    UNKNOWN_ID,
    UNKNOWN_PERSON,
    channel,
    denied,
    do,
    kinds_of_events,
    nothing_happens,
    roles,
)
from tests.places import MEMBER, OWNER, place
from tests.world import World

ALL = """{ channel {
  id type name topic avatarUrl isPrivate isArchived departmentId projectId memberCount
  lastMessage { id } lastMessageAt unreadCount mentionCount cursor createdAt updatedAt
  membership { role isMuted isPinned notificationLevel lastReadAt invitedBy { id } user { id } }
} }"""


async def channels_made(world: World) -> int:
    count: int = await world.database.fetchval("select count(*) from channels")
    return count


async def test_a_new_channel_is_its_makers_and_tells_everything(world: World) -> None:
    input = {"name": "  Plans ", "topic": "", "memberIds": [world.dave.id, world.erin.id]}
    made = (await do(world.carol, "createChannel", ALL, input=input))["channel"]
    membership = made.pop("membership")
    assert made.pop("cursor")
    assert made.pop("createdAt") == made.pop("updatedAt")
    assert made == {
        "id": made["id"],
        "type": "GROUP",
        "name": "Plans",
        "topic": None,
        "avatarUrl": None,
        "isPrivate": False,
        "isArchived": False,
        "departmentId": None,
        "projectId": None,
        "memberCount": 3,
        "lastMessage": None,
        "lastMessageAt": None,
        "unreadCount": 0,
        "mentionCount": 0,
    }
    assert membership == {
        "role": "OWNER",
        "isMuted": False,
        "isPinned": False,
        "notificationLevel": "ALL",
        "lastReadAt": None,
        "invitedBy": None,
        "user": {"id": world.carol.id},
    }
    seen = await channel(world.dave, made["id"], "{ membership { role invitedBy { id } } }")
    assert seen["membership"] == {"role": "MEMBER", "invitedBy": {"id": world.carol.id}}
    assert await kinds_of_events(world, made["id"]) == ["MemberJoined"] * 3


async def test_a_person_named_twice_or_in_capitals_or_the_maker_joins_once(world: World) -> None:
    dave, carol = world.dave.id, world.carol.id
    id = await world.carol.create_channel(memberIds=[dave, dave.upper(), carol, dave])
    assert await roles(world.carol, id) == {carol: "OWNER", dave: "MEMBER"}
    assert (await channel(world.carol, id, "{ memberCount }"))["memberCount"] == 2


@pytest.mark.parametrize(
    ("input", "code", "field"),
    [
        ({"type": "DM"}, "BAD_USER_INPUT", "type"),
        ({"type": "DEPARTMENT"}, "BAD_USER_INPUT", "type"),
        ({"type": "PROJECT"}, "BAD_USER_INPUT", "type"),
        ({"type": "CLIENT_SUPPORT"}, "BAD_USER_INPUT", "type"),
        ({"type": "GENERAL", "isPrivate": True}, "BAD_USER_INPUT", "isPrivate"),
        ({"name": ""}, "BAD_USER_INPUT", "name"),
        ({"name": " \n\t\u3000"}, "BAD_USER_INPUT", "name"),
        ({"name": "n" * 81}, "BAD_USER_INPUT", "name"),
        ({"topic": "t" * 251}, "BAD_USER_INPUT", "topic"),
        ({"memberIds": [UNKNOWN_PERSON]}, "NOT_FOUND", "memberIds"),
        ({"memberIds": ["nobody"]}, "NOT_FOUND", "memberIds"),
        ({"memberIds": ["dave", "zoe"]}, "NOT_FOUND", "memberIds"),
        ({"memberIds": ["dave", "frank"]}, "BAD_USER_INPUT", "memberIds"),
        ({"memberIds": ["frank"], "type": "GENERAL"}, "BAD_USER_INPUT", "memberIds"),
    ],
)
async def test_a_channel_that_cannot_be_is_refused_by_field_and_not_made(
    world: World, input: dict[str, Any], code: str, field: str
) -> None:
    ids = [world.ids.get(key, key) for key in input.get("memberIds", [])]
    before = await channels_made(world)
    whole = {"name": "Plans", **input, "memberIds": ids}
    refusal = await denied(world.alice, "createChannel", input=whole)
    assert (refusal.code, refusal.field) == (code, field)
    assert await channels_made(world) == before


async def test_a_private_group_takes_clients(world: World) -> None:
    id = await world.carol.create_channel(world.frank, isPrivate=True)
    assert await channel(world.frank, id, "{ id }") == {"id": id}


async def test_a_change_changes_what_it_names_and_tells_once(world: World) -> None:
    id = await world.carol.create_channel(world.dave, name="Before", topic="Old")
    selection = "{ name topic avatarUrl isPrivate updatedAt createdAt }"
    before = await channel(world.dave, id, selection)
    changes = {"name": " After ", "avatarUrl": "https://pictures.example.com/after.png"}
    input = {"channelId": id.upper(), **changes}
    answer = await do(world.carol, "updateChannel", "{ channel " + selection + " }", input=input)
    assert answer["channel"] == await channel(world.dave, id, selection)
    assert answer["channel"] == {
        **before,
        "name": "After",
        "avatarUrl": "https://pictures.example.com/after.png",
        "updatedAt": answer["channel"]["updatedAt"],
    }
    assert answer["channel"]["updatedAt"] > before["updatedAt"]
    assert (await kinds_of_events(world, id))[2:] == ["ChannelUpdated"]

    await do(world.carol, "updateChannel", input={"channelId": id, "topic": None})
    assert await channel(world.dave, id, "{ topic name }") == {"topic": None, "name": "After"}


async def test_a_change_to_what_is_so_already_is_none(world: World) -> None:
    id = await world.carol.create_channel(world.dave, name="Same")
    async with nothing_happens(world, id, world.dave):
        await do(world.carol, "updateChannel", input={"channelId": id})
        same = {"channelId": id, "name": "Same", "topic": " ", "isPrivate": True}
        await do(world.carol, "updateChannel", input=same)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": None}, "name"),
        ({"name": "  "}, "name"),
        ({"name": "n" * 81}, "name"),
        ({"topic": "t" * 251}, "topic"),
        ({"isPrivate": None}, "isPrivate"),
        ({"isPrivate": False}, "isPrivate"),
        ({"avatarUrl": "javascript:alert(1)"}, "avatarUrl"),
        ({"avatarUrl": "data:text/html,x"}, "avatarUrl"),
        ({"avatarUrl": "https://x.example/" + "x" * 2_000}, "avatarUrl"),
        ({"topic": "Good", "avatarUrl": "ftp://x.example"}, "avatarUrl"),
    ],
)
async def test_a_wrong_change_is_refused_by_field_and_changes_nothing(
    world: World, change: dict[str, Any], field: str
) -> None:
    id = await world.carol.create_channel(world.dave, world.frank)
    async with nothing_happens(world, id, world.dave):
        refusal = await denied(world.carol, "updateChannel", input={"channelId": id, **change})
    assert (refusal.code, refusal.field) == (ErrorCode.BAD_USER_INPUT, field)


async def test_only_a_group_can_be_made_private(world: World) -> None:
    id = await place(world, ChannelType.GENERAL, (world.carol, OWNER), (world.dave, MEMBER))
    async with nothing_happens(world, id, world.dave):
        refusal = await denied(
            world.carol, "updateChannel", input={"channelId": id, "isPrivate": True}
        )
    assert (refusal.code, refusal.field) == (ErrorCode.BAD_USER_INPUT, "isPrivate")


async def test_a_group_opens_and_closes_to_those_outside(world: World) -> None:
    id = await world.carol.create_channel()
    assert await channel(world.erin, id, "{ id }") is None
    await do(world.carol, "updateChannel", input={"channelId": id, "isPrivate": False})
    found = await channel(
        world.erin, id, "{ id membership { role } messages { edges { cursor } } }"
    )
    assert found == {"id": id, "membership": None, "messages": {"edges": []}}
    await do(world.carol, "updateChannel", input={"channelId": id, "isPrivate": True})
    assert await channel(world.erin, id, "{ id }") is None


async def test_nobody_closes_a_group_from_outside(world: World) -> None:
    """Who manages channels may change it otherwise: this they could not take back."""
    id = await world.dave.create_channel(isPrivate=False)
    closed = {"channelId": id, "isPrivate": True}
    async with nothing_happens(world, id, world.dave):
        for outsider in (world.carol, world.alice):
            refusal = await denied(outsider, "updateChannel", input=closed)
            assert refusal.code == "FORBIDDEN"
    await do(world.carol, "updateChannel", input={"channelId": id, "topic": "Open"})
    assert await channel(world.dave, id, "{ topic }") == {"topic": "Open"}


async def test_a_channel_is_found_by_its_id_in_capitals_and_by_nothing_else(world: World) -> None:
    id = await world.carol.create_channel()
    assert await channel(world.carol, id.upper(), "{ id }") == {"id": id}
    for other in (UNKNOWN_ID, id.replace("-", ""), f"{{{id}}}", id[:-1], f" {id}", "", "1"):
        assert await channel(world.carol, other, "{ id }") is None


async def test_members_are_paged_in_the_order_they_joined(world: World) -> None:
    id = await world.carol.create_channel(world.dave)
    for person in (world.erin, world.ivan, world.bob):
        await do(world.carol, "addMembers", channelId=id, userIds=[person.id])
    page = """{ members(first: 2, after: AFTER) {
        edges { cursor node { user { id } } }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    } }"""
    found: list[str] = []
    after = "null"
    for number in range(3):
        members = (await channel(world.dave, id, page.replace("AFTER", after)))["members"]
        edges, info = members["edges"], members["pageInfo"]
        found += [edge["node"]["user"]["id"] for edge in edges]
        assert info["startCursor"] == edges[0]["cursor"]
        assert info["endCursor"] == edges[-1]["cursor"]
        assert info["hasNextPage"] == (number < 2)
        assert info["hasPreviousPage"] == (number > 0)
        after = f'"{info["endCursor"]}"'
    people = (world.carol, world.dave, world.erin, world.ivan, world.bob)
    assert found == [person.id for person in people]


async def test_a_message_of_another_channel_is_no_channel_s_last(world: World) -> None:
    """Whatever its row says: those who follow it may not be in the other."""
    here, there = [await world.carol.create_channel(world.dave) for _ in range(2)]
    elsewhere = await world.carol.say(there, "Not for everybody")
    last = await world.carol.say(here, "For everybody here")
    shown = "{ lastMessage { id } }"
    assert await channel(world.dave, here, shown) == {"lastMessage": {"id": last}}
    change = "update channels set last_message_id = $2 where id = $1"
    await world.database.execute(change, here, elsewhere)
    assert await channel(world.dave, here, shown) == {"lastMessage": None}
