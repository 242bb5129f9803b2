"""Uploads that are refused at once: nothing is written, and nothing is signed."""

from typing import Any

import pytest

from storage.errors import ErrorCode
from storage.records import ChannelType
from tests.files import PDF, Form, begin, described, finish, upload
from tests.operations import UNKNOWN_ID, do, document, nothing_happens
from tests.places import MEMBER, OWNER, archive, place
from tests.world import Person, RefusedError, World

pytestmark = pytest.mark.usefixtures("room_for_uploads")

CREATE = document("createUpload", ["input"], "{ attachmentId }")
COMPLETE = document("completeUpload", ["attachmentId"], "{ attachment { id } }")


async def refused(person: Person, channel: str, **file: Any) -> RefusedError:
    """The refusal of this file."""
    return await person.refused(CREATE, input={**described(channel), **file})


@pytest.mark.parametrize(
    ("file", "field"),
    [
        ({"fileName": ""}, "fileName"),
        ({"fileName": " \n "}, "fileName"),
        ({"fileName": "../.."}, "fileName"),
        ({"fileName": "folder/"}, "fileName"),
        ({"fileName": "\u200d\u202e"}, "fileName"),
        ({"fileName": "a\x00.pdf"}, "fileName"),
        ({"fileName": "x" * 256}, "fileName"),
        ({"fileName": "setup.exe", "mimeType": "application/pdf"}, "fileName"),
        ({"fileName": "page.HTML", "mimeType": "text/plain"}, "fileName"),
        ({"fileName": "page.html. .", "mimeType": "text/plain"}, "fileName"),
        ({"fileName": "page.html\u200d", "mimeType": "text/plain"}, "fileName"),
        ({"fileName": "script.js", "mimeType": "text/plain"}, "fileName"),
        ({"fileName": "holiday.jpg", "mimeType": "application/zip"}, "fileName"),
        ({"fileName": "holiday.zip", "mimeType": "image/jpeg"}, "fileName"),
        ({"mimeType": ""}, None),  # the name tells
        ({"mimeType": "", "fileName": "plan"}, "mimeType"),
        ({"mimeType": "text/html"}, "mimeType"),
        ({"mimeType": "application/octet-stream", "fileName": "a.bin"}, "mimeType"),
        ({"mimeType": "application/x-msdownload", "fileName": "setup"}, "mimeType"),
        ({"mimeType": "image/*"}, "mimeType"),
        ({"mimeType": "x" * 10_000}, "mimeType"),
        ({"fileSize": 0}, "fileSize"),
        ({"fileSize": -1}, "fileSize"),
        ({"fileSize": 26_214_401}, "fileSize"),
        ({"fileSize": 26_214_400}, None),
        ({"fileSize": 2_147_483_648}, "fileSize"),
        ({"durationSeconds": 3}, "durationSeconds"),
        ({"durationSeconds": -1, "mimeType": "audio/mpeg", "fileName": "a"}, "durationSeconds"),
        ({"durationSeconds": 10**6, "mimeType": "video/mp4", "fileName": "a"}, "durationSeconds"),
    ],
)
async def test_what_is_said_of_a_file_is_looked_at(
    world: World, file: dict[str, Any], field: str | None
) -> None:
    person = await world.new_person("Somebody")
    channel = await person.create_channel()
    if field is None:
        await do(person, "createUpload", "{ attachmentId }", input={**described(channel), **file})
        return
    async with nothing_happens(world, channel, person):
        refusal = await refused(person, channel, **file)
    assert (refusal.code, refusal.field) == (ErrorCode.BAD_USER_INPUT, field)


async def test_only_those_who_may_write_may_upload(world: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    public = await world.carol.create_channel(isPrivate=False)
    general = await place(world, ChannelType.GENERAL, (world.carol, OWNER), (world.ivan, MEMBER))
    closed = await place(world, ChannelType.GROUP, (world.carol, OWNER))
    await archive(world, closed)
    for person, place_, code in (
        (world.erin, channel, ErrorCode.NOT_FOUND),
        (world.frank, public, ErrorCode.NOT_FOUND),
        (world.erin, public, ErrorCode.FORBIDDEN),
        (world.ivan, general, ErrorCode.FORBIDDEN),
        (world.carol, closed, ErrorCode.CONFLICT),
        (world.carol, UNKNOWN_ID, ErrorCode.NOT_FOUND),
        (world.carol, "nonsense", ErrorCode.NOT_FOUND),
    ):
        before = await world.state_of(place_) if place_ != "nonsense" else ()
        assert (await refused(person, place_)).code == code
        assert place_ == "nonsense" or await world.state_of(place_) == before


async def stranger_to(world: World, form: Form) -> list[tuple[Person, str]]:
    """Who may not finish an upload of carol's, and by which id."""
    return [
        (world.dave, form.attachment_id),  # a member of the channel, who has not begun it
        (world.erin, form.attachment_id),
        (world.alice, form.attachment_id),  # who may everything
        (world.carol, UNKNOWN_ID),
        (world.carol, "nonsense"),
        (world.carol, form.key),
    ]


async def test_an_upload_is_finished_by_the_one_who_began_it_and_nobody_else(world: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    form = await begin(world.carol, channel)
    await form.post(PDF)
    async with nothing_happens(world, channel, world.dave):
        for person, id in await stranger_to(world, form):
            refusal = await person.refused(COMPLETE, attachmentId=id)
            assert (refusal.code, refusal.field) == (ErrorCode.NOT_FOUND, "attachmentId")
    assert (await finish(world.carol, form.attachment_id))["fileSize"] == len(PDF)


async def test_whoever_has_left_finishes_nothing_and_gets_no_link(world: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    unfinished = await begin(world.dave, channel)
    await unfinished.post(PDF)
    finished = await upload(world.dave, channel)
    await do(world.carol, "removeMember", channelId=channel, userId=world.dave.id)
    before = await world.state_of(channel)
    for id in (unfinished.attachment_id, finished["id"]):
        assert (await world.dave.refused(COMPLETE, attachmentId=id)).code == ErrorCode.NOT_FOUND
    assert await world.state_of(channel) == before


async def test_in_an_archived_channel_nothing_is_finished(world: World) -> None:
    channel = await place(world, ChannelType.GROUP, (world.carol, OWNER))
    form = await begin(world.carol, channel)
    await form.post(PDF)
    await archive(world, channel)
    refusal = await world.carol.refused(COMPLETE, attachmentId=form.attachment_id)
    assert refusal.code == ErrorCode.CONFLICT
