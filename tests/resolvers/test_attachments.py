"""Messages that carry files: whose, of which channel, and how many."""

from typing import Any

import pytest

from storage import ids
from tests.operations import UNKNOWN_ID, denied, do, message, nothing_happens, send
from tests.world import Person, World

FILES = "{ content contentType attachments { id fileName fileSize mimeType uploader { id } } }"


async def uploaded(
    world: World, channel: str, person: Person, name: str = "plan.pdf", finished: bool = True
) -> str:
    """The id of a file of this person's that waits for a message of this channel."""
    id = ids.new_id()
    await world.services.database.execute(
        "insert into attachments (id, channel_id, uploader_id, object_key, file_name, file_size,"
        " mime_type, completed_at) values ($1, $2, $3, $4, $5, 7, 'application/pdf',"
        " case when $6 then now() end)",
        id,
        channel,
        person.id,
        f"tests/{id}",
        name,
        finished,
    )
    return id


async def test_files_come_in_the_order_the_sender_gave(world: World) -> None:
    id = await world.carol.create_channel(world.dave)
    files = [await uploaded(world, id, world.dave, name) for name in ("b.pdf", "a.pdf", "c.pdf")]
    order = [files[2], files[0], files[1]]
    answer = await send(
        world.dave,
        id,
        "See",
        "{ message " + FILES + " }",
        attachmentIds=[file.upper() for file in order],
    )
    sent = answer["message"]
    assert [file["id"] for file in sent["attachments"]] == order
    assert sent["contentType"] == "TEXT"
    assert sent["attachments"][0] == {
        "id": files[2],
        "fileName": "c.pdf",
        "fileSize": 7,
        "mimeType": "application/pdf",
        "uploader": {"id": world.dave.id},
    }


async def test_files_need_no_words_with_them(world: World) -> None:
    id = await world.carol.create_channel(world.dave)
    file = await uploaded(world, id, world.dave)
    answer = await send(
        world.dave, id, " ", "{ message { id content contentType } }", attachmentIds=[file]
    )
    sent = answer["message"]
    assert (sent["content"], sent["contentType"]) == ("", "FILE")
    await do(world.dave, "deleteMessage", messageId=sent["id"])
    assert (await message(world.carol, sent["id"], FILES))["attachments"] == []
    key = await world.services.database.fetchval(
        "select object_key from removals where object_key = $1", f"tests/{file}"
    )
    assert key == f"tests/{file}"


@pytest.mark.parametrize(
    "which",
    ["others", "elsewhere", "unfinished", "taken", "twice", "eleven", UNKNOWN_ID, "", "no id"],
)
async def test_what_is_not_the_senders_to_give_is_refused_in_whole(
    world: World, which: str
) -> None:
    id = await world.carol.create_channel(world.dave)
    elsewhere = await world.carol.create_channel(world.dave)
    taken = await uploaded(world, id, world.dave)
    await send(world.dave, id, "", attachmentIds=[taken])
    good = await uploaded(world, id, world.dave)
    known = {
        "others": [await uploaded(world, id, world.carol)],
        "elsewhere": [await uploaded(world, elsewhere, world.dave)],
        "unfinished": [await uploaded(world, id, world.dave, finished=False)],
        "taken": [taken],
        "twice": [good],
        "eleven": [await uploaded(world, id, world.dave) for _ in range(10)],
    }
    async with nothing_happens(world, id, world.carol):
        wrong = [good, *known.get(which, [which])]
        input = {"channelId": id, "content": "Files", "attachmentIds": wrong}
        refusal = await denied(world.dave, "sendMessage", input=input)
    assert (refusal.code, refusal.field) == ("BAD_USER_INPUT", "attachmentIds")


async def test_a_retry_finds_the_files_that_it_brought(world: World) -> None:
    id = await world.carol.create_channel(world.dave)
    files = [await uploaded(world, id, world.dave) for _ in range(2)]
    draft: dict[str, Any] = {"attachmentIds": files, "clientMessageId": f"files {id}"}
    first = await send(world.dave, id, "", **draft)
    async with nothing_happens(world, id, world.carol):
        assert await send(world.dave, id, "", **draft) == first
        input = {"channelId": id, "content": "", **draft, "attachmentIds": files[::-1]}
        assert (await denied(world.dave, "sendMessage", input=input)).code == "CONFLICT"
