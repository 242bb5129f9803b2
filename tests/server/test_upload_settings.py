"""What operators decide about files."""

import pytest

from server.settings import Settings
from storage.errors import ErrorCode
from storage.file_types import KNOWN
from tests.files import PDF, begin, described, picture, upload
from tests.operations import document
from tests.server.test_settings import environment, refused
from tests.servers import Fresh, Servers
from tests.world import World

__all__ = ["environment"]


def test_what_we_know_may_be_sent_up_to_25_megabytes() -> None:
    settings = Settings()
    assert settings.upload_types == tuple(KNOWN)
    for kind in ("file", "image", "sound", "video"):
        assert getattr(settings, f"upload_{kind}_max_bytes") == 25 * 1024 * 1024
    assert (settings.upload_max_open, settings.image_max_pixels) == (20, 50_000_000)


@pytest.mark.parametrize(
    "text",
    ["image/png, application/PDF,audio/mp3", '["image/png", "application/pdf", "audio/mpeg"]'],
)
def test_types_are_a_list_by_any_of_their_names(environment: pytest.MonkeyPatch, text: str) -> None:
    environment.setenv("BACKCHANNEL_UPLOAD_TYPES", text)
    assert Settings().upload_types == ("image/png", "application/pdf", "audio/mpeg")


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("UPLOAD_TYPES", "image/*", "each must look like image/png"),
        ("UPLOAD_TYPES", "png", "each must look like image/png"),
        ("UPLOAD_TYPES", "image/png, text/html", "must not have a type that"),
        ("UPLOAD_TYPES", "application/javascript", "must not have a type that"),
        ("UPLOAD_VIDEO_MAX_BYTES", "2147483648", "should be less than or equal to 2147483647"),
        ("UPLOAD_FILE_MAX_BYTES", "0", "should be greater than or equal to 1"),
        ("UPLOAD_MAX_OPEN", "0", "should be greater than or equal to 1"),
        ("IMAGE_MAX_PIXELS", "many", "should be a valid integer"),
        ("IMAGE_SECONDS", "0", "should be greater than 0"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(
    environment: pytest.MonkeyPatch, name: str, value: str, line: str
) -> None:
    environment.setenv(f"BACKCHANNEL_{name}", value)
    (told,) = refused()
    assert told.startswith(f"BACKCHANNEL_{name} {line}")


async def test_what_operators_decide_is_what_happens(servers: Servers, fresh: Fresh) -> None:
    async with World.running(
        servers,
        fresh,
        upload_types="image/png,application/x-cad,text/plain",
        upload_file_max_bytes=100,
        upload_image_max_bytes=1_000,
        upload_max_open=2,
        image_max_pixels=3_072,
    ) as world:
        channel = await world.carol.create_channel()
        create = document("createUpload", ["input"], "{ attachmentId }")

        async def field(content: bytes, name: str, type: str) -> str:
            input = described(channel, content, name, type)
            refusal = await world.carol.refused(create, input=input)
            return str(refusal.field)

        assert await field(PDF, "a.pdf", "application/pdf") == "mimeType"
        assert await field(b"x" * 101, "a.txt", "text/plain") == "fileSize"
        assert await field(b"x" * 1_001, "a.png", "image/png") == "fileSize"
        drawing = await upload(world.carol, channel, b"\1\2" * 50, "house.cad", "application/x-cad")
        assert drawing["mimeType"] == "application/x-cad"
        assert "response-content-type=application%2Foctet-stream" in drawing["url"]
        assert (await upload(world.carol, channel, picture(), "a.png", "image/png"))["width"] == 64
        refusal = await world.carol.refused(create, input=described(channel, b"x", "a.txt", ""))
        assert refusal.code == ErrorCode.RATE_LIMITED
        await world.carol.say(channel, "", attachmentIds=[drawing["id"]])
        large = picture(size=(439, 7))
        form = await begin(world.carol, channel, large, "a.png", "image/png")
        await form.post(large)
        refusal = await world.carol.refused(
            document("completeUpload", ["attachmentId"], "{ attachment { id } }"),
            attachmentId=form.attachment_id,
        )
        assert "3,072 pixels" in refusal.message
