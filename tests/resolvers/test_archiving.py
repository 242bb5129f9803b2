"""An archived channel can be read and searched, and not written, until it is restored."""

import pytest

from storage.records import ChannelType
from tests.operations import channel, denied, do, kinds_of_events, nothing_happens, send
from tests.places import ADMIN, MEMBER, place
from tests.world import World

SEEN = "{ channel { isArchived membership { role } } }"


async def test_who_runs_a_channel_archives_and_restores_it(world: World) -> None:
    id = await world.erin.create_channel(world.dave)
    said = await world.dave.say(id, "Kept")
    closed = await do(world.erin, "archiveChannel", SEEN, channelId=id)
    assert closed["channel"] == {"isArchived": True, "membership": {"role": "OWNER"}}
    found = await channel(
        world.dave, id, "{ isArchived messages(last: 5) { edges { node { id } } } }"
    )
    assert found == {"isArchived": True, "messages": {"edges": [{"node": {"id": said}}]}}
    refusal = await world.dave.refused(
        "mutation ($input: SendMessageInput!) { sendMessage(input: $input) { message { id } } }",
        input={"channelId": id, "content": "No"},
    )
    assert refusal.code == "CONFLICT"
    opened = await do(world.erin, "unarchiveChannel", SEEN, channelId=id)
    assert opened["channel"]["isArchived"] is False
    await send(world.dave, id, "Again")
    assert (await kinds_of_events(world, id))[-3:] == [*["ChannelUpdated"] * 2, "MessageSent"]


async def test_archiving_what_is_archived_changes_nothing(world: World) -> None:
    id = await world.erin.create_channel(world.dave)
    async with nothing_happens(world, id, world.dave):
        await do(world.erin, "unarchiveChannel", channelId=id)
    await do(world.erin, "archiveChannel", channelId=id)
    before = await world.state_of(id)
    await do(world.erin, "archiveChannel", channelId=id)
    assert await world.state_of(id) == before


@pytest.mark.parametrize("name", ["archiveChannel", "unarchiveChannel"])
async def test_others_do_not(world: World, name: str) -> None:
    id = await world.erin.create_channel(world.dave, world.frank)
    direct = await place(world, ChannelType.DM, (world.erin, MEMBER), (world.dave, MEMBER))
    async with nothing_happens(world, id, world.dave), nothing_happens(world, direct, world.dave):
        for person in (world.dave, world.frank):
            assert (await denied(person, name, channelId=id)).code == "FORBIDDEN"
        assert (await denied(world.olga, name, channelId=id)).code == "NOT_FOUND"
        assert (await denied(world.erin, name, channelId=direct)).code == "FORBIDDEN"


async def test_the_archived_are_left_without_a_word(world: World) -> None:
    id = await place(world, ChannelType.DEPARTMENT, (world.erin, ADMIN), (world.dave, MEMBER))
    await do(world.erin, "archiveChannel", channelId=id)
    await do(world.dave, "leaveChannel", channelId=id)
    assert (await kinds_of_events(world, id))[-2:] == ["ChannelUpdated", "MemberLeft"]
