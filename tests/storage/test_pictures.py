"""Pictures: their size, their thumbnail, and what is taken from nobody's process but its own."""

import io
from collections.abc import AsyncGenerator

import pytest
from PIL import Image, ImageCms

from storage.pictures import FORMATS, Picture, PictureLimits, Pictures
from tests.files import SVG, picture


async def chunks(content: bytes, size: int = 10_000) -> AsyncGenerator[bytes, None]:
    """A file as it comes from the store."""
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def look(
    content: bytes, type: str = "image/png", pixels: int = 1_000_000, seconds: float = 10
) -> Picture:
    """Look at a picture."""
    return await Pictures(PictureLimits(pixels, seconds)).look(type, chunks(content))


def opened(found: Picture) -> Image.Image:
    """The thumbnail."""
    assert found.thumbnail is not None
    image = Image.open(io.BytesIO(found.thumbnail))
    image.load()
    return image


@pytest.mark.parametrize(
    ("type", "options"),
    [
        ("image/jpeg", {}),
        ("image/jpeg", {"mode": "CMYK"}),
        ("image/jpeg", {"mode": "L", "progressive": True}),
        ("image/png", {"mode": "RGBA"}),
        ("image/png", {"mode": "P"}),
        ("image/png", {"mode": "1"}),
        ("image/png", {"mode": "LA"}),
        ("image/png", {"mode": "I;16"}),
        ("image/gif", {"mode": "P"}),
        ("image/webp", {}),
        ("image/webp", {"mode": "RGBA", "lossless": True}),
        ("image/avif", {"speed": 10}),
    ],
)
async def test_every_kind_of_picture_gets_its_size_and_a_small_webp(
    type: str, options: dict[str, object]
) -> None:
    found = await look(picture(FORMATS[type], (600, 300), **options), type)
    assert (found.width, found.height) == (600, 300)
    small = opened(found)
    assert (small.format, small.size) == ("WEBP", (480, 240))


async def test_a_small_picture_is_not_made_larger() -> None:
    found = await look(picture(size=(30, 20)))
    assert opened(found).size == (30, 20)


async def test_a_transparent_picture_stays_transparent() -> None:
    found = await look(picture(mode="RGBA", color=(255, 0, 0, 0)))
    assert opened(found).convert("RGBA").getpixel((0, 0))[3] == 0  # type: ignore[index]


async def test_a_drawing_gets_its_size_and_no_thumbnail() -> None:
    assert await look(SVG, "image/svg+xml") == Picture(40, 30, None)


@pytest.mark.parametrize("orientation", range(1, 9))
async def test_a_photo_is_upright_however_the_camera_was_held(orientation: int) -> None:
    upright = Image.new("RGB", (200, 100), "white")
    upright.paste("red", (0, 0, 60, 40))  # where the top left corner must be
    turns = {  # how the sensor saw it
        2: [Image.Transpose.FLIP_LEFT_RIGHT],
        3: [Image.Transpose.ROTATE_180],
        4: [Image.Transpose.FLIP_TOP_BOTTOM],
        5: [Image.Transpose.TRANSPOSE],
        6: [Image.Transpose.ROTATE_90],
        7: [Image.Transpose.TRANSVERSE],
        8: [Image.Transpose.ROTATE_270],
    }
    seen = upright
    for turn in turns.get(orientation, []):
        seen = seen.transpose(turn)
    exif = Image.Exif()
    exif[0x0112] = orientation
    written = io.BytesIO()
    seen.save(written, "JPEG", exif=exif, quality=95)
    found = await look(written.getvalue(), "image/jpeg")
    assert (found.width, found.height) == (200, 100)
    small = opened(found).convert("RGB")
    assert small.size == (200, 100)
    red, _, blue = small.getpixel((20, 20))  # type: ignore[misc]
    assert red > 200 > 60 > blue
    assert min(small.getpixel((180, 80))) > 200  # type: ignore[arg-type]


async def test_a_thumbnail_tells_nothing_of_who_took_the_photo_and_where() -> None:
    exif = Image.Exif()
    exif[0x010F] = "The maker of the camera"
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)
    for format, type in (("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp")):
        written = io.BytesIO()
        Image.new("RGB", (600, 300)).save(written, format, exif=exif, xmp=b"<x:xmpmeta>secret")
        assert b"maker" in written.getvalue()
        found = await look(written.getvalue(), type)
        small = opened(found)
        assert not small.info.keys() & {"exif", "xmp", "icc_profile", "comment"}
        assert b"maker" not in (found.thumbnail or b"")
        assert b"secret" not in (found.thumbnail or b"")


async def test_notes_that_cannot_be_read_spoil_no_photo() -> None:
    written = io.BytesIO()
    Image.new("RGB", (60, 30)).save(written, "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff\xff")
    assert (await look(written.getvalue(), "image/jpeg")).width == 60


def with_profile(profile: bytes) -> bytes:
    """A red picture, if it were not for its profile."""
    written = io.BytesIO()
    Image.new("RGB", (60, 30), (255, 0, 0)).save(written, "PNG", icc_profile=profile)
    return written.getvalue()


async def test_colours_are_those_of_the_photo_without_its_profile() -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    # Another kind of screen: what it has for red is green.
    swapped = srgb.replace(b"rXYZ", b"?").replace(b"gXYZ", b"rXYZ").replace(b"?", b"gXYZ")
    small = opened(await look(with_profile(swapped))).convert("RGB")
    red, green, _ = small.getpixel((30, 15))  # type: ignore[misc]
    assert green > 200 > 60 > red


async def test_a_profile_that_is_none_spoils_no_photo() -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    for profile in (lab, b"nonsense", b"\0" * 200):
        small = opened(await look(with_profile(profile))).convert("RGB")
        red, green, _ = small.getpixel((30, 15))  # type: ignore[misc]
        assert red > 200 > 60 > green
