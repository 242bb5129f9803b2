"""What browsers put into the store is looked at, and is gone when it is not what was announced."""

import pytest

from storage.errors import ErrorCode
from tests.files import HTML, MP4, PDF, SVG, archive, begin, finish, keys_in, picture
from tests.operations import document, nothing_happens
from tests.world import World

pytestmark = pytest.mark.usefixtures("room_for_uploads")

COMPLETE = document("completeUpload", ["attachmentId"], "{ attachment { id url } }")

SCRIPTED = SVG.replace(b"<path", b"<script>alert(1)</script><path")


@pytest.mark.parametrize(
    ("name", "type", "content"),
    [
        ("a.png", "image/png", HTML),
        ("a.png", "image/png", SVG),
        ("a.png", "image/png", picture("JPEG")),
        ("a.png", "image/png", picture("PNG")[:60]),
        ("a.png", "image/png", b"\x89PNG\r\n\x1a\n" + HTML),
        ("a.gif", "image/gif", b"GIF89a/*" + HTML),
        ("a.jpg", "image/jpeg", archive("a.txt")),
        ("a.jpg", "image/jpeg", b"\xff\xd8\xff\xe0" + archive("a.txt")),
        ("a.svg", "image/svg+xml", SCRIPTED),
        ("a.svg", "image/svg+xml", SVG.replace(b"<path", b"<path onload='alert(1)'")),
        ("a.svg", "image/svg+xml", HTML),
        ("a.mp4", "video/mp4", HTML),
        ("a.mp3", "audio/mpeg", MP4),
        ("a.pdf", "application/pdf", HTML),
        ("a.pdf", "application/pdf", b"\n" + HTML),
        ("a.txt", "text/plain", HTML),
        ("a.txt", "text/plain", b"\xef\xbb\xbf \n" + SCRIPTED),
        ("a.txt", "text/plain", b"MZ\x90\0\x03\0\0\0"),
        ("a.csv", "text/csv", b"<?xml version='1.0'?><html/>"),
        ("a.json", "application/json", HTML),
        ("a.zip", "application/zip", b"MZ\x90\0" + archive("a.txt")),
        (
            "a.docx",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            archive("META-INF/MANIFEST.MF", "Evil.class"),
        ),
    ],
)
async def test_a_file_that_is_something_else_is_refused_and_removed(
    world: World, name: str, type: str, content: bytes
) -> None:
    channel = await world.carol.create_channel(world.dave)
    stored = await keys_in(world)
    empty = await world.state_of(channel)
    form = await begin(world.carol, channel, content, name, type)
    await form.post(content, name)
    refusal = await world.carol.refused(COMPLETE, attachmentId=form.attachment_id)
    assert (refusal.code, refusal.field) == (ErrorCode.BAD_USER_INPUT, "attachmentId")
    assert await keys_in(world) == stored
    assert await world.state_of(channel) == empty


async def test_a_refused_file_stays_refused_and_no_message_carries_it(world: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    form = await begin(world.carol, channel, HTML, "a.png", "image/png")
    await form.post(HTML)
    await world.carol.refused(COMPLETE, attachmentId=form.attachment_id)
    again = await world.carol.refused(COMPLETE, attachmentId=form.attachment_id)
    assert again.code == ErrorCode.NOT_FOUND
    async with nothing_happens(world, channel, world.dave):
        refusal = await world.carol.refused(
            document("sendMessage", ["input"]),
            input={"channelId": channel, "content": "", "attachmentIds": [form.attachment_id]},
        )
    assert refusal.field == "attachmentIds"


@pytest.mark.parametrize("content", [PDF + b"more", PDF[:-1], b""])
async def test_a_file_of_another_size_is_refused_and_removed(world: World, content: bytes) -> None:
    """Where S3 does not look at the size itself."""
    channel = await world.carol.create_channel()
    stored = await keys_in(world)
    form = await begin(world.carol, channel, PDF)
    await form.post(content)
    refusal = await world.carol.refused(COMPLETE, attachmentId=form.attachment_id)
    assert (refusal.code, refusal.field) == (ErrorCode.BAD_USER_INPUT, "attachmentId")
    assert await keys_in(world) == stored


async def test_a_picture_with_too_many_pixels_is_refused_and_removed(world: World) -> None:
    channel = await world.carol.create_channel()
    stored = await keys_in(world)
    bomb = picture(size=(10_001, 5_000), mode="1")  # 6 kB
    form = await begin(world.carol, channel, bomb, "a.png", "image/png")
    await form.post(bomb)
    refusal = await world.carol.refused(COMPLETE, attachmentId=form.attachment_id)
    assert "50,000,000 pixels" in refusal.message
    assert await keys_in(world) == stored


async def test_what_the_browser_says_of_the_type_while_it_sends_does_not_matter(
    world: World,
) -> None:
    channel = await world.carol.create_channel()
    form = await begin(world.carol, channel, picture(), "a.png", "image/png")
    form.fields["Content-Type"] = "text/html"  # which S3 would refuse, and the embedded one takes
    await form.post(picture(), "a.html", "text/html")
    sent = await finish(world.carol, form.attachment_id)
    assert sent["mimeType"] == "image/png"
    assert "response-content-type=image%2Fpng" in sent["url"]
