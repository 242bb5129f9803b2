"""The program behind ``storage.pictures``: looks at one picture and ends.

It reads the file from its standard input and writes a line of JSON, and after
it the thumbnail if there is one. A file that is made to exhaust us exhausts
this process, which has little, and which nobody misses.
"""

import io
import json
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from PIL import Image, ImageCms

from storage.drawings import UnfitDrawingError, size_of

THUMBNAIL = 480
BASE_BYTES = 512 * 1024 * 1024
BYTES_PER_PIXEL = 16


def main() -> None:
    """Look at what comes in: ``FORMAT MAX_PIXELS SECONDS``, the format as Pillow calls it."""
    format, pixels, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    _preload(format)
    _limit(BASE_BYTES + pixels * BYTES_PER_PIXEL, seconds)
    thumbnail = b""
    try:
        content = sys.stdin.buffer.read()
        if format == "SVG":
            answer = _drawing(content)
        else:
            answer, thumbnail = _picture(content, format, pixels)
    except UnfitDrawingError as error:
        answer = {"wrong": f"This drawing cannot be sent: {error}."}
    except MemoryError:
        answer = {"wrong": "The picture needs too much memory."}
    except Exception as error:
        # Pillow raises whatever comes to a decoder's mind: of a file that is what it
        # should be, it raises nothing.
        answer = {"wrong": "The picture cannot be read.", "because": repr(error)}
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n" + thumbnail)


def _preload(format: str) -> None:
    # Before memory gets scarce, and not every plugin there is.
    if format != "SVG":
        __import__(f"PIL.{_PLUGINS[format]}")
        __import__("PIL.WebPImagePlugin")


_PLUGINS = {
    "JPEG": "JpegImagePlugin",
    "PNG": "PngImagePlugin",
    "GIF": "GifImagePlugin",
    "WEBP": "WebPImagePlugin",
    "AVIF": "AvifImagePlugin",
}


def _limit(memory: int, seconds: float) -> None:
    if sys.platform == "win32":
        return
    import resource

    os.nice(10)  # it must never keep the event loop waiting
    # Where memory runs out all the same, it is this process that is ended for it.
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
    for what, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        # Not every system has every limit.
        with suppress(ValueError, OSError):
            resource.setrlimit(what, (most, most))
    # Of the processor's time, so that a picture is not refused for what others do. The
    # signal ends us, whatever a decoder is doing.
    signal.setitimer(signal.ITIMER_PROF, seconds)


def _drawing(content: bytes) -> dict[str, Any]:
    width, height = size_of(content) or (None, None)
    return {"width": width, "height": height}


def _picture(content: bytes, format: str, pixels: int) -> tuple[dict[str, Any], bytes]:
    Image.MAX_IMAGE_PIXELS = None  # ours is exact, and is looked at here
    with Image.open(io.BytesIO(content), formats=[format]) as picture:
        width, height = picture.size
        if width * height > pixels:
            return {"wrong": f"The picture has more than {pixels:,} pixels."}, b""
        turn = _turn(picture)
        if turn in _ON_ITS_SIDE:
            width, height = height, width
        return {"width": width, "height": height}, _thumbnail(picture, turn)


_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ON_ITS_SIDE = {_TURNS[turn] for turn in (5, 6, 7, 8)}


def _turn(picture: Image.Image) -> Image.Transpose | None:
    """What it takes to show it as the camera was held."""
    try:
        return _TURNS.get(picture.getexif().get(_ORIENTATION, 1))
    except Exception:
        return None  # notes that cannot be read say nothing about the picture


def _thumbnail(picture: Image.Image, turn: Image.Transpose | None) -> bytes:
    # JPEGs are decoded at a fraction of their size, and none is made larger.
    profile = picture.info.get("icc_profile") if picture.mode in ("RGB", "RGBA") else None
    small = picture
    if picture.mode not in ("RGB", "RGBA", "L", "CMYK"):
        picture.load()
        small = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    small.thumbnail((THUMBNAIL, THUMBNAIL), reducing_gap=2.0)
    if turn is not None:
        small = small.transpose(turn)
    small = _in_srgb(small, profile)
    if small.mode not in ("RGB", "RGBA"):
        small = small.convert("RGB")
    # Where it was taken, by whom and with what stays in the original.
    small.info.clear()
    written = io.BytesIO()
    small.save(written, "WEBP", quality=80)
    return written.getvalue()


def _in_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    if not profile:
        return picture
    try:
        converted = ImageCms.profileToProfile(
            picture,
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
        )
    except (ImageCms.PyCMSError, OSError, ValueError):
        return picture  # a profile that is not one changes no colours
    return converted or picture


if __name__ == "__main__":
    main()
