"""The passage of a message that a search has found, as HTML."""

import re
from collections.abc import Iterator, Sequence
from html import escape
from itertools import pairwise
from typing import NamedTuple
from unicodedata import combining, normalize

from storage.search_query import Query, Term

LENGTH = 200
"""Characters of the message in a snippet; the markup comes on top."""

BEFORE = 50
"""Of those, how many come before the first match at most."""

ELLIPSIS = "…"

LONGEST_CHARACTER = 20
"""What a person sees as one may be many; beyond this many it is parted all the same."""

LONGEST_WORD = 60
"""Characters of a word that count, as in PostgreSQL."""

# These are search_fold and search_words of the migration called search, for showing
# where a match is. Whether there is one is PostgreSQL's to say.
_ALONE = (
    r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    r"\uf900-\ufaff\U00020000-\U0003ffff"
)
_UNSEEN = (
    r"\u00ad\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u064b-\u065f\u0670"
    r"\u200b-\u200d\u2060\ufe00-\ufe0f\ufeff"
)
_BETWEEN = (
    r"\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00a9\u00ab-\u00ac\u00ae-\u00b1\u00b4"
    r"\u00b6-\u00b8\u00bb\u00bf\u00d7\u00f7\u02c2-\u02df\u037e\u0387\u055a-\u055f\u0589\u058a\u05be"
    r"\u05c0\u05c3\u05c6\u05f3\u05f4\u060c\u061b-\u061f\u066a-\u066d\u06d4\u0964\u0965\u1680\u180e"
    r"\u2000-\u200a\u200e-\u205f\u2061-\u2bff\u2e00-\u2e7f\u3000-\u3004\u3008-\u3020\u3030\u303d"
    r"\u30fb\ud7fc-\uf8ff\ufe10-\ufe6f\uff00-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65"
    r"\uffe0-\ufffe\U0001d000-\U0001d3ff\U0001f000-\U0001faff\U000e0000-\U0010ffff"
)
_SEPARATOR = re.compile(rf"[{_BETWEEN}]+")
_MARK = re.compile(rf"[{_UNSEEN}]")
_EACH_ALONE = re.compile(rf"([{_ALONE}])")
_LETTERS = str.maketrans(
    {**dict(zip("øłđðħŧıſς", "olddhtisσ", strict=True)), "ß": "ss", "æ": "ae", "œ": "oe"}
)


def _folded(text: str) -> str:
    folded = normalize("NFKD", text).lower().translate(_LETTERS)
    return _EACH_ALONE.sub(r" \1 ", normalize("NFKC", _MARK.sub("", folded)))


_SIGNS = "".join(
    sign
    for sign in re.findall(f"[{_BETWEEN}]", "".join(map(chr, range(0x20000))))
    if _SEPARATOR.sub("", _folded(sign))
)
"""What lies between words, but stands for letters or digits: a small 2, a number in a circle."""

_WORD = re.compile(rf"[{_ALONE}][{_UNSEEN}]*|(?:[^{_BETWEEN}{_ALONE}]+|[{_SIGNS}])+")


class Word(NamedTuple):
    """A word as it is compared, and where it is in the text."""

    text: str
    start: int
    end: int


def words(text: str) -> Iterator[Word]:
    """The words of a text, in order."""
    for found in _WORD.finditer(text):
        span = found[0]
        if span.isascii():
            yield Word(span.lower()[:LONGEST_WORD], *found.span())
            continue
        for word in _SEPARATOR.split(_folded(span)):
            if word:
                yield Word(word[:LONGEST_WORD], *found.span())


def snippet(content: str, query: Query) -> str:
    """The passage around the first match, HTML-escaped, with all matches in it between
    ``<mark>`` and ``</mark>``.
    """
    wanted = [term for terms in query for term in terms if not term.excluded]
    spans: list[tuple[int, int]] = []
    found: list[Word] = []
    end = len(content)
    for word in words(content):
        if word.start >= end:
            break
        found.append(word)
        for start, stop in _ending_here(found, wanted):
            if not spans:
                end = min(end, max(0, start - BEFORE) + LENGTH)
            spans.append((start, stop))
    begin = max(0, spans[0][0] - BEFORE) if spans else 0
    begin = _at_a_word(content, begin, spans[0][0] if spans else 0)
    end = _between_characters(content, begin + LENGTH)
    return (
        (ELLIPSIS if begin else "")
        + _marked(content, begin, end, spans)
        + (ELLIPSIS if end < len(content) else "")
    )


def _ending_here(found: Sequence[Word], wanted: list[Term]) -> Iterator[tuple[int, int]]:
    """The matches whose last word is the last one of ``found``."""
    for term in wanted:
        run = found[-len(term.words) :]
        *whole, last = term.words
        if len(run) == len(term.words) and [word.text for word in run[:-1]] == whole:
            text = run[-1].text
            if text == last or (term.prefix and text.startswith(last)):
                yield run[0].start, run[-1].end


def _at_a_word(content: str, begin: int, first: int) -> int:
    """The beginning of a word near ``begin``, not behind the first match."""
    if begin:
        for before, after in pairwise(range(begin - 1, min(first, begin + 20))):
            if content[before].isspace() and not content[after].isspace():
                return after
    return _between_characters(content, begin)


def _between_characters(content: str, index: int) -> int:
    """A place that does not part a letter from its accents or an emoji from what it is made of."""
    nearest = index - LONGEST_CHARACTER
    while max(0, nearest) < index < len(content) and (
        combining(content[index])
        or _MARK.match(content[index])
        or "\U0001f3fb" <= content[index] <= "\U0001f3ff"
        or content[index - 1] == "\u200d"
    ):
        index -= 1
    return min(index, len(content))


def _marked(content: str, begin: int, end: int, spans: list[tuple[int, int]]) -> str:
    parts: list[str] = []
    at = begin
    for start, stop in sorted(spans):
        left, right = max(start, at), min(stop, end)
        if left < right:
            parts += [escape(content[at:left]), "<mark>", escape(content[left:right]), "</mark>"]
            at = right
    return "".join([*parts, escape(content[at:end])])
