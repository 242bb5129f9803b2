"""Uploads: the whole way of a file, over HTTP, as a browser goes it."""

import io
from datetime import UTC, datetime, timedelta

import pytest
from PIL import Image

from storage.errors import ErrorCode
from storage.objects import FILES, FORMS
from tests.files import (
    ATTACHMENT,
    MP3,
    MP4,
    PDF,
    SVG,
    archive,
    begin,
    download,
    finish,
    keys_in,
    picture,
    upload,
)
from tests.operations import document, message
from tests.world import World

pytestmark = pytest.mark.usefixtures("room_for_uploads")

TEXT = "Grüße aus 東京\n".encode()


@pytest.mark.parametrize(
    ("name", "type", "content", "shown"),
    [
        ("photo.jpg", "image/jpeg", picture("JPEG"), True),
        ("screen.png", "image/png", picture("PNG"), True),
        ("film.mp4", "video/mp4", MP4, True),
        ("voice.mp3", "audio/mpeg", MP3, True),
        ("plan.pdf", "application/pdf", PDF, False),
        ("logo.svg", "image/svg+xml", SVG, False),
        ("notes.txt", "text/plain", TEXT, False),
        ("all.zip", "application/zip", archive("a.txt"), False),
    ],
)
async def test_a_file_arrives_as_it_was_sent(
    world: World, name: str, type: str, content: bytes, shown: bool
) -> None:
    channel = await world.carol.create_channel(world.dave)
    form = await begin(world.carol, channel, content, name, type)
    await form.post(content, name)
    sent = await finish(world.carol, form.attachment_id)
    id = await world.carol.say(channel, "", attachmentIds=[sent["id"]])
    seen = await message(world.dave, id, f"{{ content contentType attachments {ATTACHMENT} }}")
    assert (seen["content"], seen["contentType"]) == ("", "FILE")
    (file,) = seen["attachments"]
    assert file["id"] == form.attachment_id
    assert (file["fileName"], file["fileSize"], file["mimeType"]) == (name, len(content), type)
    assert file["uploader"] == {"id": world.carol.id}
    response = await download(file["url"])
    assert response.content == content
    assert response.headers["Content-Type"] == (type if shown else "application/octet-stream")
    kind = "inline" if shown else "attachment"
    assert response.headers["Content-Disposition"].startswith(f'{kind}; filename="{name}"')


async def test_a_form_works_for_ten_minutes_and_goes_to_a_key_that_says_nothing(
    world: World,
) -> None:
    channel = await world.carol.create_channel()
    began = datetime.now(UTC)
    form = await begin(world.carol, channel)
    left = datetime.fromisoformat(form.expires_at) - began
    assert timedelta(minutes=9, seconds=59) < left < timedelta(minutes=10, seconds=5)
    assert form.key.startswith(f"{FORMS}/")
    for known in (world.carol.id, channel, form.attachment_id, "plan", "pdf"):
        assert known not in form.key
    assert form.fields["Content-Type"] == "application/pdf"


async def test_a_picture_gets_its_size_and_a_thumbnail(world: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    content = picture("JPEG", (1200, 800))
    sent = await upload(world.carol, channel, content, "photo.jpg", "image/jpeg")
    assert (sent["width"], sent["height"]) == (1200, 800)
    response = await download(sent["thumbnailUrl"])
    assert response.headers["Content-Type"] == "image/webp"
    assert response.headers["Content-Disposition"].startswith("inline;")
    with Image.open(io.BytesIO(response.content)) as small:
        assert (small.format, small.size) == ("WEBP", (480, 320))


async def test_what_is_no_picture_has_neither(world: World) -> None:
    channel = await world.carol.create_channel()
    sent = await upload(world.carol, channel)
    assert (sent["width"], sent["height"], sent["thumbnailUrl"]) == (None, None, None)
    drawing = await upload(world.carol, channel, SVG, "logo.svg", "image/svg+xml")
    assert (drawing["width"], drawing["height"], drawing["thumbnailUrl"]) == (40, 30, None)


async def test_sound_and_video_keep_the_duration_the_client_knows(world: World) -> None:
    channel = await world.carol.create_channel()
    voice = await upload(world.carol, channel, MP3, "a.mp3", "audio/mpeg", durationSeconds=73)
    assert voice["durationSeconds"] == 73
    film = await upload(world.carol, channel, MP4, "a.mp4", "video/mp4")
    assert film["durationSeconds"] is None


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("Jahresbericht – Übersicht.pdf", "Jahresbericht – Übersicht.pdf"),
        ("会議の議事録.pdf", "会議の議事録.pdf"),
        ("👩‍👩‍👧.pdf", "👩‍👩‍👧.pdf"),
        ("../../etc/plan.pdf", "plan.pdf"),
        ("C:\\Users\\carol\\plan.pdf", "plan.pdf"),
        ('a "quoted"; name=x.pdf', 'a "quoted"; name=x.pdf'),
        ("one\r\nSet-Cookie: a=b.pdf", "one  Set-Cookie: a=b.pdf"),
        ("U\u0308bersicht.pdf", "Übersicht.pdf"),
        ("\u202efdp.pdf", "fdp.pdf"),
        ("  plan.pdf . ", "plan.pdf"),
    ],
)
async def test_a_name_is_kept_and_can_do_no_harm(world: World, said: str, kept: str) -> None:
    channel = await world.carol.create_channel()
    sent = await upload(world.carol, channel, PDF, said)
    assert sent["fileName"] == kept
    header = (await download(sent["url"])).headers["Content-Disposition"]
    assert header.isascii()
    assert header.startswith("attachment; filename=")


async def test_checking_again_gives_the_same_and_changes_nothing(world: World) -> None:
    channel = await world.carol.create_channel()
    form = await begin(world.carol, channel)
    await form.post(PDF)
    first = await finish(world.carol, form.attachment_id)
    before, stored = await world.state_of(channel), await keys_in(world)
    again = await finish(world.carol, form.attachment_id)
    assert {**again, "url": None} == {**first, "url": None}
    assert await world.state_of(channel) == before
    assert await keys_in(world) == stored
    await world.carol.say(channel, "", attachmentIds=[form.attachment_id])
    assert (await finish(world.carol, form.attachment_id))["id"] == form.attachment_id


async def test_only_the_checked_copy_is_left_in_the_store(world: World) -> None:
    channel = await world.carol.create_channel()
    before = await keys_in(world)
    form = await begin(world.carol, channel, picture(), "a.png", "image/png")
    await form.post(picture())
    assert await keys_in(world) == {*before, form.key}
    await finish(world.carol, form.attachment_id)
    left = await keys_in(world) - before
    assert len(left) == 2  # and its thumbnail
    assert all(key.startswith(f"{FILES}/") for key in left)


async def test_before_the_file_is_there_checking_is_too_early_and_later_it_is_not(
    world: World,
) -> None:
    channel = await world.carol.create_channel()
    form = await begin(world.carol, channel)
    before = await world.state_of(channel)
    refusal = await world.carol.refused(
        document("completeUpload", ["attachmentId"], "{ attachment { id } }"),
        attachmentId=form.attachment_id,
    )
    assert (refusal.code, refusal.field) == (ErrorCode.CONFLICT, "attachmentId")
    assert await world.state_of(channel) == before
    await form.post(PDF)
    assert (await finish(world.carol, form.attachment_id))["fileSize"] == len(PDF)


async def test_an_event_of_a_message_brings_its_files(world: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    sent = await upload(world.carol, channel, picture(), "a.png", "image/png")
    async with world.dave.socket() as socket:
        added = await socket.subscribe(
            document("messageAdded", ["channelId"], "{ attachments { id url thumbnailUrl } }"),
            channelId=channel,
        )
        await world.followed(channel)
        await world.carol.say(channel, "Look", attachmentIds=[sent["id"]])
        (file,) = (await added.next())["messageAdded"]["attachments"]
    assert (await download(file["url"])).content == picture()
    assert (await download(file["thumbnailUrl"])).status_code == 200


async def test_a_client_sends_files_where_they_are_a_member(world: World) -> None:
    channel = await world.bob.create_channel(world.frank)
    sent = await upload(world.frank, channel)
    id = await world.frank.say(channel, "", attachmentIds=[sent["id"]])
    (file,) = (await message(world.bob, id, "{ attachments { url } }"))["attachments"]
    assert (await download(file["url"])).content == PDF
