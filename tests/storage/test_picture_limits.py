"""Pictures that are none, or too much of one, and the processes that look at them."""

import asyncio
import os
import signal
import struct
import zlib
from collections.abc import AsyncGenerator
from contextlib import suppress

import psutil
import pytest

from storage import pictures
from storage.errors import ErrorCode, Refusal
from storage.pictures import PictureLimits, Pictures, UnfitPictureError
from tests.files import HTML, picture
from tests.storage.test_pictures import chunks, look
from tests.world import until


async def refused(content: bytes, type: str = "image/png", **limits: float) -> str:
    """What a picture is refused with."""
    with pytest.raises(UnfitPictureError) as refusal:
        await look(content, type, **limits)  # type: ignore[arg-type]
    return str(refusal.value)


@pytest.mark.parametrize(
    ("content", "type"),
    [
        (HTML, "image/png"),
        (picture("JPEG"), "image/png"),
        (picture("PNG"), "image/jpeg"),
        (picture("GIF"), "image/webp"),
        (picture("PNG")[:-20], "image/png"),
        (picture("JPEG", (200, 200))[:-200], "image/jpeg"),
        (picture("PNG").replace(b"IDAT", b"IDAX"), "image/png"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 100, "image/png"),
        (b"", "image/png"),
        (b"<svg><script/></svg>", "image/svg+xml"),
        (picture("PNG"), "image/svg+xml"),
    ],
)
async def test_what_is_not_a_whole_picture_of_its_type_is_refused(
    content: bytes, type: str
) -> None:
    assert await refused(content, type)


def png_of(width: int, height: int) -> bytes:
    """A PNG that says it is so large, and is a few bytes."""

    def chunk(name: bytes, content: bytes) -> bytes:
        check = zlib.crc32(name + content)
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 10_000)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        [chunk(b"IHDR", header), chunk(b"IDAT", pixels), chunk(b"IEND", b"")]
    )


async def test_a_picture_may_have_so_many_pixels_and_not_one_more() -> None:
    assert (await look(picture(size=(100, 50)), pixels=5_000)).width == 100
    assert "5,000 pixels" in await refused(picture(size=(1, 5_001)), pixels=5_000)
    assert "pixels" in await refused(png_of(50_000, 50_000))


async def test_a_picture_that_takes_too_much_memory_is_refused() -> None:
    async def endless() -> AsyncGenerator[bytes, None]:
        for _ in range(50):
            yield bytes(20_000_000)

    with pytest.raises(UnfitPictureError, match="memory"):
        await Pictures(PictureLimits(pixels=1_000_000)).look("image/png", endless())


def children() -> list[psutil.Process]:
    """Our processes that look at pictures."""
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.Error):
            if "storage.picture_program" in child.cmdline():
                found.append(child)
    return found


async def test_a_picture_that_takes_too_long_is_refused() -> None:
    assert "too long" in await refused(picture(size=(900, 900)), seconds=0.001)
    assert children() == []


async def interrupted(by: signal.Signals) -> Refusal | UnfitPictureError:
    """What is said of a picture whose process gets this signal."""

    async def content() -> AsyncGenerator[bytes, None]:
        yield b""
        # It is not what it will be before it has begun.
        await until(lambda: bool(children()))
        for child in children():
            child.send_signal(by)
        yield picture()

    with pytest.raises((Refusal, UnfitPictureError)) as raised:
        await Pictures(PictureLimits(seconds=0.2)).look("image/png", content())
    assert children() == []
    assert isinstance(raised.value, (Refusal, UnfitPictureError))
    return raised.value


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
async def test_what_others_do_to_its_process_is_not_the_pictures_fault(by: signal.Signals) -> None:
    """A restart, or a kernel that is short of memory: the file is kept, and looked at later."""
    refusal = await interrupted(by)
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.retry_after) == (ErrorCode.RATE_LIMITED, 5)


async def test_a_process_that_is_kept_from_working_is_killed_and_the_picture_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pictures, "SLACK", 0.1)
    refusal = await interrupted(signal.SIGSTOP)
    assert isinstance(refusal, Refusal)
    assert refusal.code == ErrorCode.RATE_LIMITED


@pytest.mark.parametrize("by", [signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS])
async def test_a_decoder_that_dies_of_a_picture_has_it_refused(by: signal.Signals) -> None:
    assert isinstance(await interrupted(by), UnfitPictureError)


async def test_a_sender_that_goes_leaves_no_process_behind() -> None:
    """The store fails while the picture is on its way, or the one who waits is gone."""

    async def broken() -> AsyncGenerator[bytes, None]:
        yield b"\x89PNG"
        raise Refusal(ErrorCode.UNAVAILABLE, "gone", service="s3")

    with pytest.raises(Refusal):
        await Pictures(PictureLimits()).look("image/png", broken())

    arrived = asyncio.Event()

    async def endless() -> AsyncGenerator[bytes, None]:
        yield b"\x89PNG"
        arrived.set()
        await asyncio.Event().wait()

    waiting = asyncio.create_task(Pictures(PictureLimits()).look("image/png", endless()))
    await arrived.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert children() == []


async def test_our_secrets_are_none_of_its_business(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKCHANNEL_JWT_SECRET", "hunter2")
    environments: list[dict[str, str]] = []

    async def slow() -> AsyncGenerator[bytes, None]:
        yield b""
        environments.extend(child.environ() for child in children())
        yield picture()

    await Pictures(PictureLimits()).look("image/png", slow())
    assert environments
    assert not [found for found in environments if "hunter2" in str(found)]


async def test_the_event_loop_goes_on_while_a_picture_is_looked_at() -> None:
    big = picture("PNG", (4_000, 4_000))
    looking = asyncio.create_task(look(big, pixels=16_000_000))
    turns = 0
    while not looking.done():
        await asyncio.sleep(0.001)
        turns += 1
    assert (await looking).width == 4_000
    # Were it done here, there would be one or two.
    assert turns > 20


async def test_only_a_few_are_looked_at_at_once_and_nobody_waits_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pictures, "PATIENCE", 0.05)
    ours = Pictures(PictureLimits())
    go = asyncio.Event()

    async def waiting() -> AsyncGenerator[bytes, None]:
        await go.wait()
        yield picture()

    busy = [asyncio.create_task(ours.look("image/png", waiting())) for _ in range(pictures.AT_ONCE)]
    await asyncio.sleep(0)
    with pytest.raises(Refusal) as refusal:
        await ours.look("image/png", chunks(picture()))
    assert refusal.value.code == ErrorCode.RATE_LIMITED
    assert refusal.value.retry_after
    go.set()
    assert [found.width for found in await asyncio.gather(*busy)] == [64] * pictures.AT_ONCE
    monkeypatch.undo()
    assert (await ours.look("image/png", chunks(picture()))).width == 64


async def test_a_program_that_cannot_run_is_our_fault_and_not_the_pictures(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A file is removed when it is refused, so it must not be for what is wrong with us."""
    # Without its library, Python itself does not start, wherever we are installed.
    monkeypatch.setattr(pictures, "_environment", lambda: {"PYTHONHOME": os.devnull})
    with pytest.raises(RuntimeError, match="the picture program failed"):
        await look(picture())
