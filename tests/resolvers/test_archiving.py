"""An archived channel can be read and searched, and not written, until it is restored."""

import pytest

from storage import ids
from storage.records import ChannelType
from tests.end_to_end.house import EMOJI, furnished
from tests.operations import channel, denied, do, kinds_of_events, nothing_happens, send
from tests.places import ADMIN, MEMBER, place
from tests.walk import root_fields, whole
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


STILL = {"archiveChannel", "unarchiveChannel", "leaveChannel"}
"""What is done to an archived channel itself."""

ONES_OWN = {"markRead", "markUnread", "updateChannelPreferences"}
"""What everybody has for themselves, of an archived channel too."""

ELSEWHERE = {
    *("createChannel", "openDirectMessage", "setReadReceipts", "setPresence", "setStatus"),
    "renewSession",
}


async def test_an_archived_channel_is_written_by_no_mutation(world: World) -> None:
    """Not by its owner, who may do everything else, nor by anything that is added tomorrow."""
    house = await furnished(world)
    id, message = house.channel, house.message
    await do(world.carol, "addReaction", messageId=message, emoji=EMOJI)
    own = await world.carol.say(id, "Carol's")
    await do(world.carol, "pinMessage", messageId=message)
    upload = ids.new_id()
    await world.database.execute(
        "insert into attachments (id, channel_id, uploader_id, object_key, file_name, file_size,"
        " mime_type) values ($1, $2, $3, $4, 'a.pdf', 1, 'application/pdf')",
        *(upload, id, world.carol.id, f"forms/{upload}"),
    )
    await do(world.carol, "archiveChannel", channelId=id)
    before = await world.state_of(id)
    names = set(root_fields("mutation"))
    assert {*STILL, *ONES_OWN, *ELSEWHERE} < names
    for name in sorted(names - STILL - ONES_OWN - ELSEWHERE):
        for of in (message, own, house.reply):
            good = {**house.examples, "messageId": of, "attachmentId": upload, "fileSize": 1}
            # Who is in already joins without anything happening.
            person = world.erin if name == "joinChannel" else world.carol
            refusal = await person.refused(whole("mutation", name, good))
            assert refusal.code == "CONFLICT", (name, refusal)
        assert await world.state_of(id) == before, name
    for name in sorted(ONES_OWN):
        document = whole("mutation", name, {**house.examples, "Boolean": False})
        assert await world.carol.run(document), name
    after = await world.state_of(id)
    members = 1
    assert [part for at, part in enumerate(after) if at != members] == [
        part for at, part in enumerate(before) if at != members
    ]


async def test_what_is_archived_is_found_and_listed_on_request(world: World) -> None:
    id = await world.erin.create_channel(world.dave, name="Attic")
    said = await world.dave.say(id, "A chandelier in the attic")
    await do(world.erin, "archiveChannel", channelId=id)
    found = await world.dave.run(
        '{ searchMessages(query: "chandelier") { edges { node { id } } } }'
    )
    assert found["searchMessages"] == {"edges": [{"node": {"id": said}}]}
    listed = (
        '{ channels(filter: {search: "Attic", includeArchived: %s}) { edges { node { id } } } }'
    )
    for included, expected in (("true", [{"node": {"id": id}}]), ("false", [])):
        sidebar = await do(world.dave, "viewer", listed % included)
        assert sidebar["channels"]["edges"] == expected
