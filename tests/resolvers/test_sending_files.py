"""Messages with files: whose, from where, how many, and what becomes of them."""

from typing import Any

import pytest

from server import janitor
from storage.errors import ErrorCode
from tests.files import PDF, begin, download, keys_in, picture, upload
from tests.operations import UNKNOWN_ID, denied, do, message, nothing_happens, send
from tests.operations import channel as shown_channel
from tests.world import Person, World

pytestmark = pytest.mark.usefixtures("room_for_uploads")

NAMES = "{ contentType attachments { id fileName } }"


async def uploads(person: Person, channel: str, count: int) -> list[str]:
    """The ids of so many checked files."""
    return [(await upload(person, channel))["id"] for _ in range(count)]


async def refused(world: World, channel: str, ids: list[str], content: str = "Look") -> None:
    """The message is not sent, and nobody hears of it."""
    async with nothing_happens(world, channel, world.carol):
        refusal = await denied(
            world.carol,
            "sendMessage",
            input={"channelId": channel, "content": content, "attachmentIds": ids},
        )
    assert (refusal.code, refusal.field) == (ErrorCode.BAD_USER_INPUT, "attachmentIds")


async def test_a_message_carries_up_to_ten_files_in_their_order(world: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    ids = await uploads(world.carol, channel, 11)
    await refused(world, channel, ids)
    ordered = [ids[n] for n in (3, 0, 9, 1, 8, 2, 7, 4, 6, 5)]
    id = await world.carol.say(channel, "Look", attachmentIds=ordered)
    seen = await message(world.dave, id, NAMES)
    assert seen["contentType"] == "TEXT"
    assert [file["id"] for file in seen["attachments"]] == ordered


async def test_without_a_text_it_is_a_file_and_without_both_it_is_nothing(world: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    (id,) = await uploads(world.carol, channel, 1)
    sent = await send(world.carol, channel, "  ", f"{{ message {NAMES} }}", attachmentIds=[id])
    assert sent["message"]["contentType"] == "FILE"
    refusal = await denied(world.carol, "sendMessage", input={"channelId": channel, "content": " "})
    assert refusal.field == "content"


async def test_a_file_with_a_text_added_is_a_text_with_a_file(world: World) -> None:
    channel = await world.carol.create_channel()
    ids = await uploads(world.carol, channel, 1)
    id = await world.carol.say(channel, "", attachmentIds=ids)
    await do(world.carol, "editMessage", messageId=id, content="The plan")
    seen = await message(world.carol, id, NAMES)
    assert seen["contentType"] == "TEXT"
    assert [file["id"] for file in seen["attachments"]] == ids


async def test_a_file_whose_text_is_taken_away_is_a_file_again(world: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    ids = await uploads(world.carol, channel, 1)
    with_file = await world.carol.say(channel, "The plan", attachmentIds=ids)
    await do(world.carol, "editMessage", messageId=with_file, content=" \u200b ")
    selection = "{ content contentType revisions { content } attachments { id } }"
    assert await message(world.dave, with_file, selection) == {
        "content": "",
        "contentType": "FILE",
        "revisions": [{"content": "The plan"}],
        "attachments": [{"id": ids[0]}],
    }
    assert await shown_channel(world.dave, channel, "{ unreadCount }") == {"unreadCount": 1}
    without = await world.carol.say(channel, "The plan")
    theirs = await world.dave.say(channel, "Mine")
    async with nothing_happens(world, channel, world.carol):
        refusal = await denied(world.carol, "editMessage", messageId=without, content=" \u200b ")
        assert (refusal.code, refusal.field) == ("BAD_USER_INPUT", "content")
        assert refusal.message == "This must not be empty."
        refusal = await denied(world.carol, "editMessage", messageId=theirs, content="")
        assert refusal.code == "FORBIDDEN"


async def test_a_file_is_sent_once(world: World) -> None:
    channel = await world.carol.create_channel()
    one, two = await uploads(world.carol, channel, 2)
    await refused(world, channel, [one, one])
    await refused(world, channel, [one, one.upper()])
    await world.carol.say(channel, "", attachmentIds=[one])
    await refused(world, channel, [one])
    await refused(world, channel, [two, one])
    # The one that was not to blame is still there to be sent.
    await world.carol.say(channel, "", attachmentIds=[two])


async def test_a_file_is_sent_by_its_uploader_in_its_channel_once_it_is_checked(
    world: World,
) -> None:
    channel = await world.carol.create_channel(world.dave)
    elsewhere = await world.carol.create_channel(world.dave)
    unfinished = await begin(world.carol, channel)
    await unfinished.post(PDF)
    for foreign in (
        (await upload(world.dave, channel))["id"],
        (await upload(world.carol, elsewhere))["id"],
        unfinished.attachment_id,
        UNKNOWN_ID,
        "nonsense",
    ):
        await refused(world, channel, [foreign])


async def test_sending_again_with_the_same_client_id_sends_the_files_once(world: World) -> None:
    channel = await world.carol.create_channel()
    ids = await uploads(world.carol, channel, 2)
    again: dict[str, Any] = {"attachmentIds": ids, "clientMessageId": f"files {channel}"}
    first = await world.carol.say(channel, "", **again)
    before = await world.state_of(channel)
    assert await world.carol.say(channel, "", **again) == first
    assert await world.state_of(channel) == before


async def test_a_reply_carries_files_too(world: World) -> None:
    channel = await world.carol.create_channel()
    root = await world.carol.say(channel)
    ids = await uploads(world.carol, channel, 1)
    reply = await world.carol.say(channel, "", parentId=root, attachmentIds=ids)
    assert (await message(world.carol, reply, NAMES))["attachments"][0]["id"] == ids[0]


async def test_with_the_message_go_its_files(world: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    before = await keys_in(world)
    sent = await upload(world.carol, channel, picture(), "a.png", "image/png")
    kept = await upload(world.carol, channel, picture(), "b.png", "image/png")
    id = await world.carol.say(channel, "", attachmentIds=[sent["id"]])
    await world.carol.say(channel, "", attachmentIds=[kept["id"]])
    link = (await message(world.dave, id, "{ attachments { url } }"))["attachments"][0]["url"]
    await do(world.carol, "deleteMessage", messageId=id)
    assert (await message(world.dave, id, NAMES))["attachments"] == []
    await janitor.remove_objects(world.services)
    assert len(await keys_in(world) - before) == 2
    assert (await download(link)).is_client_error
    assert (await download(kept["url"])).status_code == 200
    assert (await download(kept["thumbnailUrl"])).status_code == 200


async def test_links_are_given_to_those_who_may_read_the_message_now(world: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    sent = await upload(world.carol, channel, picture(), "a.png", "image/png")
    id = await world.carol.say(channel, "", attachmentIds=[sent["id"]])
    links = "{ attachments { url thumbnailUrl } }"
    (file,) = (await message(world.dave, id, links))["attachments"]
    for name in ("url", "thumbnailUrl"):
        assert "X-Amz-Expires=300&" in file[name]
    assert await message(world.erin, id, links) is None
    await do(world.carol, "removeMember", channelId=channel, userId=world.dave.id)
    assert await message(world.dave, id, links) is None


@pytest.mark.parametrize("what", ["channel", "message"])
async def test_whatever_deletes_files_has_their_objects_removed(world: World, what: str) -> None:
    """However it comes about: an operator who deletes a channel leaves nothing in the bucket."""
    channel = await world.carol.create_channel()
    before = await keys_in(world)
    sent = await upload(world.carol, channel, picture(), "a.png", "image/png")
    id = await world.carol.say(channel, "", attachmentIds=[sent["id"]])
    await world.database.execute(
        f"delete from {what}s where id = $1", channel if what == "channel" else id
    )
    await janitor.remove_objects(world.services)
    assert await keys_in(world) == before
