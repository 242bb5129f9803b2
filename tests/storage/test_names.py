"""The names of files in the headers of downloads, whatever is in them."""

import re
from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from storage.signing import MAX_NAME_BYTES, content_disposition

HEADER = re.compile(
    r"attachment; filename=\"(?P<plain>[ !#$&-.0-\[\]-~]*)\"; "
    r"filename\*=UTF-8''(?P<full>[A-Za-z0-9._~%-]*)"
)


def saved_as(name: str) -> str:
    """What a browser of today calls a downloaded file."""
    header = HEADER.fullmatch(content_disposition(name, inline=False))
    assert header is not None
    return unquote(header["full"], errors="strict")


@given(st.text(max_size=300))
@example('"; filename=evil.html; x="')
@example("a\r\nSet-Cookie: a=b\r\n\r\n<script>")
@example("../../etc/passwd")
@example("..\\..\\boot.ini")
@example("a%00b%2f..%2fc.txt")
@example("\u202egpj.exe")
@example("\ud800")
def test_a_header_is_one_line_of_ascii_with_one_name_in_it(name: str) -> None:
    if any("\ud800" <= character <= "\udfff" for character in name):
        return  # such names never come this far: they are not text
    saved = saved_as(name)
    assert saved
    assert len(saved.encode()) <= MAX_NAME_BYTES
    assert not set(saved) & set('/\\"\r\n\0\u202e')


@pytest.mark.parametrize(
    "name",
    [
        "plan.pdf",
        "Jahresbericht 2026 – Übersicht (final).pdf",
        "会議の議事録.docx",
        "مخطط.pdf",
        "👩‍👩‍👧 family.png",
        "naïve; 100% 'sure'.txt",
        ".gitignore",
        "no ending",
    ],
)
def test_names_in_every_script_arrive_as_they_are(name: str) -> None:
    assert saved_as(name) == name


@pytest.mark.parametrize(
    ("name", "plain"),
    [("Übersicht.pdf", "_bersicht.pdf"), ("50%.txt", "50_.txt"), ('a"b.txt', "a'b.txt")],
)
def test_old_programs_get_a_name_they_can_read(name: str, plain: str) -> None:
    header = HEADER.fullmatch(content_disposition(name, inline=False))
    assert header is not None
    assert header["plain"] == plain


def test_a_long_name_is_cut_before_its_ending_and_between_characters() -> None:
    assert saved_as("界" * 255 + ".pdf") == "界" * 83 + ".pdf"
    assert saved_as("x" * 300) == "x" * MAX_NAME_BYTES
