"""Pictures: their size, and a small one of each, made by a process that can be killed."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

import storage
from storage.errors import ErrorCode, Refusal
from storage.file_types import SVG

AT_ONCE = 2
"""Processes that look at pictures, for each of ours."""

PATIENCE = 20.0
"""Seconds to wait for one of them to be free."""

SLACK = 30.0
"""Seconds more than its own that a picture may take where others need the machine too."""

FORMATS = {
    "image/jpeg": "JPEG",
    "image/png": "PNG",
    "image/gif": "GIF",
    "image/webp": "WEBP",
    "image/avif": "AVIF",
    SVG: "SVG",
}

log = structlog.get_logger(__name__)


class UnfitPictureError(Exception):
    """It is not the picture it should be, or too much of one; the message is for its sender."""


@dataclass(frozen=True, slots=True)
class PictureLimits:
    """What a picture may take."""

    pixels: int = 50_000_000
    seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class Picture:
    """What was found out: its size as it is shown, and a WebP of at most 480 by 480."""

    width: int | None
    height: int | None
    thumbnail: bytes | None


class Pictures:
    """Looks at pictures, a few at a time, none of them in this process."""

    def __init__(self, limits: PictureLimits) -> None:
        self._limits = limits
        self._places = asyncio.Semaphore(AT_ONCE)

    async def look(self, mime_type: str, content: AsyncGenerator[bytes, None]) -> Picture:
        """Read a picture of this type to its end.

        Raises UnfitPictureError, RATE_LIMITED when there is no time or room for it just
        now, and whatever ``content`` raises.
        """
        async with self._place():
            return await self._look(FORMATS[mime_type], content)

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(PATIENCE):
                await self._places.acquire()
        except TimeoutError:
            raise _not_now() from None
        try:
            yield
        finally:
            self._places.release()

    async def _look(self, format: str, content: AsyncGenerator[bytes, None]) -> Picture:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "storage.picture_program"),
            *(format, str(self._limits.pixels), str(self._limits.seconds)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=_environment(),
            # What a terminal tells us by Ctrl-C is not meant for it.
            start_new_session=True,
        )
        try:
            await _send(process, content)
            # Its own clock counts what the picture costs; this one, what others do too.
            async with asyncio.timeout(self._limits.seconds + SLACK):
                answer, complaint = await process.communicate()
        except TimeoutError:
            raise _not_now() from None
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        return _understood(process.returncode or 0, answer, complaint)


async def _send(process: asyncio.subprocess.Process, content: AsyncGenerator[bytes, None]) -> None:
    assert process.stdin is not None
    async with aclosing(content):
        # One that ends early says why by how it does.
        with suppress(BrokenPipeError, ConnectionResetError):
            async for chunk in content:
                process.stdin.write(chunk)
                await process.stdin.drain()
    process.stdin.close()


_FAULTS = {
    "SIGPROF": "The picture takes too long to read.",
    "SIGXCPU": "The picture takes too long to read.",
    **dict.fromkeys(
        ("SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGSEGV"), "The picture cannot be read."
    ),
}
"""How a program ends by what it reads, and not by what others want."""


def _understood(code: int, answer: bytes, complaint: bytes) -> Picture:
    if code < 0:
        name = signal.Signals(-code).name
        log.warning("picture.fatal", signal=name)
        if name in _FAULTS:
            raise UnfitPictureError(_FAULTS[name])
        raise _not_now()
    if code > 0:
        raise RuntimeError(f"the picture program failed: {complaint.decode(errors='replace')}")
    line, _, thumbnail = answer.partition(b"\n")
    said = json.loads(line)
    if "wrong" in said:
        log.info("picture.refused", wrong=said["wrong"], because=said.get("because"))
        raise UnfitPictureError(said["wrong"])
    return Picture(said["width"], said["height"], thumbnail or None)


def _not_now() -> Refusal:
    return Refusal(
        ErrorCode.RATE_LIMITED,
        "There is no room for another picture just now; try again soon.",
        retry_after=5,
    )


def _environment() -> dict[str, str]:
    # Our secrets are none of its business.
    kept = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT")
    return {
        **{name: os.environ[name] for name in kept if name in os.environ},
        "PYTHONPATH": str(Path(storage.__file__).parents[1]),
    }
