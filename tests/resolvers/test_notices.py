"""Who comes and who goes is told in the channel, as messages of the system."""

from typing import Any

import pytest

from resolvers import attendance
from storage.records import ChannelType
from tests.operations import channel, denied, do, kinds_of_events, nothing_happens
from tests.places import MEMBER, OWNER, place
from tests.world import Person, World

PAGE = """{
  unreadCount lastMessageAt lastMessage { content }
  messages(last: 50) { edges { node { id content contentType sender { id } mentions { id } } } }
}"""


async def notices(person: Person, id: str) -> list[tuple[str, str]]:
    """Of whom the system said what, oldest first."""
    nodes = [edge["node"] for edge in (await channel(person, id, PAGE))["messages"]["edges"]]
    return [(n["sender"]["id"], n["content"]) for n in nodes if n["contentType"] == "SYSTEM"]


async def test_each_way_to_come_and_to_go_has_its_sentence(world: World) -> None:
    id = await world.carol.create_channel(world.dave, isPrivate=False)
    assert await notices(world.carol, id) == []
    await do(world.erin, "joinChannel", channelId=id)
    await do(world.carol, "addMembers", channelId=id, userIds=[world.ivan.id, world.dave.id])
    await do(world.dave, "leaveChannel", channelId=id)
    await do(world.carol, "removeMember", channelId=id, userId=world.ivan.id)
    assert await notices(world.carol, id) == [
        (world.erin.id, "joined the channel"),
        (world.ivan.id, "was added to the channel"),
        (world.dave.id, "left the channel"),
        (world.ivan.id, "was removed from the channel"),
    ]


async def test_a_notice_is_unread_for_nobody_and_moves_nothing(world: World) -> None:
    id = await world.carol.create_channel(world.dave, isPrivate=False)
    await world.dave.say(id, "The last word")
    before = await channel(world.carol, id, PAGE)
    assert before["unreadCount"] == 1
    await do(world.erin, "joinChannel", channelId=id)
    after = await channel(world.carol, id, PAGE)
    assert {**after, "messages": None} == {**before, "messages": None}
    await world.dave.say(id, "One more")
    assert (await channel(world.carol, id, PAGE))["unreadCount"] == 2
    assert (await channel(world.erin, id, PAGE))["unreadCount"] == 1


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("editMessage", {"content": "mine"}),
        ("deleteMessage", {}),
        ("addReaction", {"emoji": "👍"}),
    ],
)
async def test_nobody_changes_a_notice(world: World, name: str, arguments: dict[str, Any]) -> None:
    """Neither whom it is about, who is its sender, nor who runs the channel."""
    id = await world.carol.create_channel(world.alice, isPrivate=False)
    await do(world.erin, "joinChannel", channelId=id)
    page = await channel(world.erin, id, PAGE)
    [notice] = [edge["node"]["id"] for edge in page["messages"]["edges"]]
    async with nothing_happens(world, id, world.erin):
        for person in (world.erin, world.carol, world.alice):
            refusal = await denied(person, name, messageId=notice, **arguments)
            assert refusal.code == "FORBIDDEN"


async def test_of_many_at_once_nothing_is_said(world: World) -> None:
    id = await world.carol.create_channel()
    most = attendance.MOST_TOLD
    crowd = [await world.new_person(f"Crowd {number}") for number in range(most + 1)]
    await do(world.carol, "addMembers", channelId=id, userIds=[one.id for one in crowd])
    assert await notices(world.carol, id) == []
    assert (await kinds_of_events(world, id)).count("MemberJoined") == most + 2
    for one in crowd:
        await do(world.carol, "removeMember", channelId=id, userId=one.id)
    before = len(await notices(world.carol, id))
    await do(world.carol, "addMembers", channelId=id, userIds=[one.id for one in crowd[:most]])
    assert len(await notices(world.carol, id)) == before + most


async def test_where_the_whole_company_comes_and_goes_nothing_is_said(world: World) -> None:
    id = await place(world, ChannelType.GENERAL, (world.carol, OWNER), (world.dave, MEMBER))
    await do(world.erin, "joinChannel", channelId=id)
    await do(world.dave, "leaveChannel", channelId=id)
    assert await notices(world.carol, id) == []
    assert (await kinds_of_events(world, id))[-2:] == ["MemberJoined", "MemberLeft"]
