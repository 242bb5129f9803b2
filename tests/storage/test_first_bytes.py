"""First bytes: what a file is, whatever is said of it."""

import codecs
import io
import tarfile

import pytest

from storage import first_bytes
from storage.file_types import KNOWN
from tests.files import HTML, MP3, MP4, PDF, SVG, archive, picture

OFFICE = "application/vnd.openxmlformats-officedocument"
OPEN = "application/vnd.oasis.opendocument"


def tar() -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as file:
        file.addfile(tarfile.TarInfo("a.txt"))
    return written.getvalue()


def open_document(type: str) -> bytes:
    head = b"PK\x03\x04" + b"\0" * 22 + len(b"mimetype").to_bytes(2, "little") + b"\0\0"
    return head + b"mimetype" + type.encode() + b"PK"


def iso(brand: bytes, size: int = 24) -> bytes:
    return size.to_bytes(4, "big") + b"ftyp" + brand + b"\0\0\2\0isommp41" + b"\0" * 64


def matroska(type: bytes) -> bytes:
    head = "1a45dfa39f4286810142f7810142f2810442f38108428284"
    return bytes.fromhex(head) + type + bytes.fromhex("42878104")


OLD_OFFICE = bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 600

SAMPLES: dict[str, list[bytes]] = {
    "image/jpeg": [picture("JPEG")],
    "image/png": [picture("PNG")],
    "image/gif": [picture("GIF")],
    "image/webp": [picture("WEBP"), picture("WEBP", lossless=True)],
    "image/avif": [picture("AVIF")],
    "image/svg+xml": [SVG, b'<?xml version="1.0"?>\n<!-- by hand -->\n' + SVG],
    # Sixty bytes, and the first four of them look like the beginning of a tag.
    "video/mp4": [MP4, iso(b"mp42"), iso(b"isom", size=0x3C)],
    "video/webm": [matroska(b"webm")],
    "video/quicktime": [iso(b"qt  "), b"\0\0\0\x08wide\0\0\0\x08mdat"],
    "video/ogg": [b"OggS\0\2" + b"\0" * 64],
    "video/3gpp": [iso(b"3gp5")],
    "audio/mpeg": [MP3, b"\xff\xfb\x90\x64" + b"\0" * 64, b"\xff\xf3\x40\xc4" + b"\0" * 64],
    "audio/mp4": [iso(b"M4A "), iso(b"iso5")],
    "audio/aac": [b"\xff\xf1\x50\x80" + b"\0" * 64],
    "audio/ogg": [b"OggS\0\2" + b"\0" * 64],
    "audio/wav": [b"RIFF\x24\0\0\0WAVEfmt " + b"\0" * 64],
    "audio/flac": [b"fLaC\0\0\0\x22" + b"\0" * 64],
    "audio/webm": [matroska(b"webm")],
    "application/pdf": [PDF],
    "application/rtf": [b"{\\rtf1\\ansi Hello}"],
    f"{OFFICE}.wordprocessingml.document": [
        archive("[Content_Types].xml", "_rels/.rels", "word/document.xml"),
        archive("word/document.xml", "[Content_Types].xml"),
        archive("_rels/.rels", "docProps/app.xml", "word/document.xml"),
    ],
    f"{OFFICE}.spreadsheetml.sheet": [
        archive("docProps/app.xml", "docProps/core.xml", "xl/workbook.xml")
    ],
    f"{OFFICE}.presentationml.presentation": [
        archive("[Content_Types].xml", "_rels/.rels", "ppt/presentation.xml")
    ],
    f"{OPEN}.text": [open_document(f"{OPEN}.text")],
    f"{OPEN}.spreadsheet": [open_document(f"{OPEN}.spreadsheet")],
    f"{OPEN}.presentation": [open_document(f"{OPEN}.presentation")],
    "application/msword": [OLD_OFFICE],
    "application/vnd.ms-excel": [OLD_OFFICE],
    "application/vnd.ms-powerpoint": [OLD_OFFICE],
    "application/epub+zip": [open_document("application/epub+zip")],
    "application/zip": [archive("a.txt"), b"PK\x05\x06" + b"\0" * 18],
    "application/gzip": [b"\x1f\x8b\x08\0\0\0\0\0"],
    "application/x-7z-compressed": [b"7z\xbc\xaf\x27\x1c\0\4"],
    "application/x-tar": [tar()],
    "text/plain": [
        b"Hello",
        "Grüße, 世界 🌍".encode(),
        "Grüße".encode("latin-1"),
        codecs.BOM_UTF16_LE + "Grüße".encode("utf-16-le"),
        codecs.BOM_UTF8 + b"Hello",
        b"BMW, MZ and PK are letters; 1 < 2 and a<b.",
        b"\x1b[31mred\x1b[0m\tline\r\n\x0c",
        b"#!/bin/sh\necho hello\n",
        b" " * 100_000,
    ],
    "text/csv": [b"a,b\n1,<b>2</b>\n"],
    "text/tab-separated-values": [b"a\tb\n"],
    "text/markdown": [b"# Title\n\n```html\n<script>alert(1)</script>\n```\n"],
    "text/calendar": [b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"],
    "text/vcard": [b"BEGIN:VCARD\r\nEND:VCARD\r\n"],
    "application/json": [b'{"html": "<script>"}', b"[1]", b"null"],
}

FAMILIES = [
    # What cannot be told apart by how it begins, and need not be.
    {"video/mp4", "video/quicktime", "video/3gpp", "audio/mp4"},
    {"video/webm", "audio/webm"},
    {"video/ogg", "audio/ogg"},
    {"application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint"},
    {name for name, type in KNOWN.items() if type.is_text},
]
ZIPS = {name for name in KNOWN if "officedocument" in name or "opendocument" in name} | {
    "application/zip",
    "application/epub+zip",
}


def head(content: bytes) -> bytes:
    return content[: first_bytes.COUNT]


def test_there_is_a_sample_of_every_type() -> None:
    assert SAMPLES.keys() == KNOWN.keys()


@pytest.mark.parametrize(
    ("name", "sample"), [(name, sample) for name in SAMPLES for sample in SAMPLES[name]]
)
def test_a_file_is_of_its_own_type_and_of_no_other(name: str, sample: bytes) -> None:
    family = next((names for names in FAMILIES if name in names), {name})
    if name in ZIPS:
        family = {name, "application/zip"}
    if name == "application/rtf":
        family = {*family, *FAMILIES[-1]}  # which is text, too
    taken = {other for other in KNOWN if first_bytes.are_of(other, head(sample))}
    assert name in taken
    assert taken <= family


MARKUP = [
    HTML,
    b"<html>",
    b"<SCRIPT>alert(1)</SCRIPT>",
    b"<!-- a comment --><script>",
    b" \t\r\n\x0c\n<svg onload=alert(1)>",
    b"<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'/>",
    b"<a href=javascript:alert(1)>x",
    b"</p><script>",
    b"<!DOCTYPE svg>",
    b"<x-element>",
    codecs.BOM_UTF8 + b"<script>",
    codecs.BOM_UTF8 + codecs.BOM_UTF8 + b"<script>",
    codecs.BOM_UTF16_LE + "<script>".encode("utf-16-le"),
    codecs.BOM_UTF16_BE + "\n <script>".encode("utf-16-be"),
    SVG,
]


@pytest.mark.parametrize("content", MARKUP)
def test_what_a_browser_would_run_is_of_no_type_but_svg(content: bytes) -> None:
    assert {name for name in KNOWN if first_bytes.are_of(name, content)} <= {"image/svg+xml"}
    assert not first_bytes.are_of("application/x-of-the-operators", content)
    assert not first_bytes.are_of("application/octet-stream", content)


@pytest.mark.parametrize(
    "content",
    [
        b"Hello\0world",
        "Hello".encode("utf-16-le"),
        codecs.BOM_UTF32_LE + "<script>".encode("utf-32-le"),
        PDF,
        picture("PNG"),
        b"\x7fELF\x02\x01\x01\0",
    ],
)
def test_what_is_not_text_is_no_text(content: bytes) -> None:
    texts = [name for name, type in KNOWN.items() if type.is_text]
    assert not [name for name in texts if first_bytes.are_of(name, content)]


@pytest.mark.parametrize(
    ("type", "content", "fits"),
    [
        ("application/x-of-the-operators", b"\x01\x02anything", True),
        ("application/octet-stream", b"\x01\x02anything", True),
        ("application/x-of-the-operators", b"MZ\x90\0", False),
        ("application/octet-stream", b"\x7fELF\x02", False),
        ("image/vnd.adobe.photoshop", b"8BPS\0\1", True),
        ("image/vnd.adobe.photoshop", picture("PNG"), False),
        ("image/heic", picture("PNG"), False),
    ],
)
def test_types_that_operators_add_are_checked_as_far_as_they_are_known(
    type: str, content: bytes, fits: bool
) -> None:
    assert first_bytes.are_of(type, content) is fits


def test_a_gif_that_is_a_script_is_only_ever_a_gif() -> None:
    """Polyglots are what they are called here, and are served as nothing else."""
    both = b"GIF89a/*" + picture("GIF")[8:] + b"*/=1;alert(1)"
    assert {name for name in KNOWN if first_bytes.are_of(name, both)} == {"image/gif"}
    jar = picture("GIF") + archive("META-INF/MANIFEST.MF")
    assert {name for name in KNOWN if first_bytes.are_of(name, jar)} == {"image/gif"}
