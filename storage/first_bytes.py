"""What a file really is, by how it begins: its type and its name are only what somebody says."""

import codecs
import re
from collections.abc import Callable

import filetype

from storage.file_types import KNOWN, SVG

COUNT = 65_536
"""How many of the first bytes are looked at."""

Test = Callable[[bytes], bool]


def are_of(type_name: str, head: bytes) -> bool:
    """Whether a file that begins like this can be of this type.

    Text that a browser would run is of no type but SVG, whose inside is another matter.
    """
    if type_name == SVG:
        return _is_markup(head)
    if type_name in _TESTS:
        return _TESTS[type_name](head)
    if type_name in KNOWN:
        return _is_text(head) and not _is_markup(head)
    # A type that the operator has added.
    return not _is_markup(head) and not head.startswith(_PROGRAMS) and _may_be(type_name, head)


def _may_be(type_name: str, head: bytes) -> bool:
    # What the library has under the name of everything and nothing is a font.
    found = None if type_name == _ANYTHING else filetype.get_type(mime=type_name)
    return found is None or bool(found.match(head))


_ANYTHING = "application/octet-stream"

_PROGRAMS = (
    *(b"MZ", b"\x7fELF", b"#!", b"\xca\xfe\xba\xbe"),
    *(b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe"),
)

_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
# Stricter than any browser, which wants to know the tag and skips less in front of it.
_MARKUP = re.compile(r"[\x07-\x0d\x1b \ufeff]*<[a-z!?/]", re.IGNORECASE)
_NOT_TEXT = re.compile(r"\A%PDF-|[\x00-\x06\x0e-\x1a\x1c-\x1f]")


def _decoded(head: bytes) -> str:
    for mark, encoding in _MARKS.items():
        if head.startswith(mark):
            return head[len(mark) :].decode(encoding, "ignore")
    # Whatever it is: the characters that matter here are the same ones in all others.
    return head.decode("latin-1")


def _is_markup(head: bytes) -> bool:
    return _MARKUP.match(_decoded(head)) is not None


def _is_text(head: bytes) -> bool:
    return _NOT_TEXT.search(_decoded(head)) is None


def _by_library(name: str) -> Test:
    known = filetype.get_type(mime=name)
    return lambda head: bool(known.match(head))


def _starts(*starts: bytes) -> Test:
    return lambda head: head.startswith(starts)


def _is_iso_media(head: bytes) -> bool:
    # The container of MP4, QuickTime and 3GPP, told from pictures in the same container.
    return head[4:8] == b"ftyp" and head[8:12] not in (
        *(b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1"),
        *(b"jp2 ", b"jpx ", b"crx "),
    )


def _is_quicktime(head: bytes) -> bool:
    return _is_iso_media(head) or head[4:8] in (b"moov", b"mdat", b"wide", b"free", b"skip")


def _is_mpeg_sound(head: bytes) -> bool:
    if head.startswith(b"ID3"):
        return True
    # A frame: eleven bits set, then a version that exists, and the second or third layer;
    # the first is nowhere but in museums, and would be the mark of UTF-16.
    return (
        len(head) > 2
        and head[0] == 0xFF
        and head[1] & 0xE0 == 0xE0
        and head[1] & 0x18 != 0x08
        and head[1] & 0x06 in (0x02, 0x04)
        and head[2] & 0xF0 != 0xF0
    )


_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

_TESTS: dict[str, Test] = {
    **{
        name: _by_library(name)
        for name, type in KNOWN.items()
        if not type.is_text and filetype.get_type(mime=name) is not None
    },
    # Formats that are one to the library under another name, or that it is too strict about.
    "image/png": _starts(b"\x89PNG\r\n\x1a\n"),
    "video/mp4": _is_iso_media,
    "video/3gpp": _is_iso_media,
    "video/quicktime": _is_quicktime,
    "video/ogg": _starts(b"OggS"),
    "audio/mp4": _is_iso_media,
    "audio/mpeg": _is_mpeg_sound,
    "audio/ogg": _starts(b"OggS"),
    "audio/wav": _by_library("audio/x-wav"),
    "audio/flac": _starts(b"fLaC"),
    "audio/webm": _by_library("video/webm"),
    "application/msword": _starts(_OFFICE),
    "application/vnd.ms-excel": _starts(_OFFICE),
    "application/vnd.ms-powerpoint": _starts(_OFFICE),
}
