"""Types of files: what browsers call them, and what names promise."""

import pytest

from storage import file_types
from storage.file_types import KNOWN, RUNNABLE, RUNNABLE_ENDINGS, FileKind


@pytest.mark.parametrize(
    ("said", "name", "meant"),
    [
        ("image/png", "a.png", "image/png"),
        ("IMAGE/PNG", "a.PNG", "image/png"),
        ("image/jpg", "a.jpg", "image/jpeg"),
        ("audio/webm;codecs=opus", "voice.webm", "audio/webm"),
        ("text/plain; charset=utf-8", "a.txt", "text/plain"),
        ("application/x-zip-compressed", "a.zip", "application/zip"),
        # A browser whose system knows no type says none.
        ("", "README.md", "text/markdown"),
        ("application/octet-stream", "film.webm", "video/webm"),
        ("", "no ending", ""),
        ("application/octet-stream", "a.bin", "application/octet-stream"),
        # Windows with Excel.
        ("application/vnd.ms-excel", "numbers.csv", "text/csv"),
        ("application/vnd.ms-excel", "numbers.xls", "application/vnd.ms-excel"),
        # A name decides nothing where the type is told.
        ("application/pdf", "a.png", "application/pdf"),
        ("text/html", "a.png", "text/html"),
    ],
)
def test_what_browsers_say_is_understood(said: str, name: str, meant: str) -> None:
    assert file_types.meant(said, name) == meant


@pytest.mark.parametrize(
    ("type", "name", "contradicts"),
    [
        ("application/zip", "holiday.jpg", True),
        ("image/jpeg", "holiday.zip", True),
        ("text/plain", "letter.docx", True),
        ("image/png", "a.svg", True),
        ("image/jpeg", "holiday.JPEG", False),
        ("text/plain", "data.csv", False),
        ("text/csv", "data.txt", False),
        ("audio/webm", "voice.webm", False),
        ("image/png", "no ending", False),
        ("text/plain", "program.py", False),
        ("application/pdf", "report.v2.final", False),
    ],
)
def test_a_name_that_promises_another_type_is_noticed(
    type: str, name: str, contradicts: bool
) -> None:
    assert file_types.contradicts(type, name) is contradicts


def test_nothing_that_runs_is_known_or_shown_in_place() -> None:
    assert not RUNNABLE & KNOWN.keys()
    assert not RUNNABLE_ENDINGS & {ending for type in KNOWN.values() for ending in type.endings}
    assert {name for name in KNOWN if file_types.is_inline(name)} == {
        name
        for name in KNOWN
        if name.startswith(("image/", "video/", "audio/")) and name != "image/svg+xml"
    }


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("image/avif", FileKind.IMAGE),
        ("image/heic", FileKind.IMAGE),
        ("video/x-unheard-of", FileKind.VIDEO),
        ("audio/flac", FileKind.SOUND),
        ("text/plain", FileKind.FILE),
        ("application/x-unheard-of", FileKind.FILE),
    ],
)
def test_every_type_has_a_kind(name: str, kind: FileKind) -> None:
    assert file_types.kind(name) is kind


@pytest.mark.parametrize("name", ["", "png", "image/", "/png", "image/*", "a b/c", "x/" + "y" * 99])
def test_what_cannot_be_a_type_is_none(name: str) -> None:
    assert not file_types.is_name(name)
