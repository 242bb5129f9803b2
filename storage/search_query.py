"""What people write into a search box, and the tsquery that it means.

Words side by side are all wanted; ``or`` stands between alternatives, ``-`` before what
is not wanted, quotes around what has to be found as it is. Nothing else means
anything: there is no text that is not a query.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

SCOPE = "§"
"""Stands before each word for the channel it is looked for in; never part of a word."""

_TERM = re.compile(r'(?P<excluded>-?)"(?P<phrase>[^"]*)(?P<closed>"?)|(?P<word>[^\s"]+)')
_QUOTES = str.maketrans("“”„«»", '"""""')


class Term(NamedTuple):
    """Words that stand side by side, wanted or not; ``words`` as PostgreSQL has them."""

    text: str
    excluded: bool = False
    prefix: bool = False
    """Whether the last word may be the beginning of one: it is still being written."""
    words: tuple[str, ...] = ()


Query = list[list[Term]]
"""Alternatives; of one, every term holds."""


def parse(text: str) -> Query:
    """The alternatives as they are written; their words are not known yet."""
    alternatives: Query = [[]]
    matches = list(_TERM.finditer(text.translate(_QUOTES)))
    for match in matches:
        is_last = match is matches[-1]
        word = match["word"]
        if word is None:
            excluded = bool(match["excluded"])
            open = is_last and not match["closed"] and not excluded
            alternatives[-1].append(Term(match["phrase"], excluded, open))
        elif word.lower() == "or":
            alternatives.append([])
        elif word.startswith("-"):
            alternatives[-1].append(Term(word[1:], excluded=True))
        else:
            alternatives[-1].append(Term(word, prefix=is_last))
    return alternatives


def with_words(query: Query, words: Sequence[Sequence[str]]) -> Query:
    """The query with the words of its terms, in their order. What has none is left out, and so
    is an alternative that only says what is not wanted: nearly everything would be found.
    """
    each = iter(words)
    whole = [[term._replace(words=tuple(next(each))) for term in terms] for terms in query]
    clean = [[term for term in terms if term.words] for terms in whole]
    return [terms for terms in clean if not all(term.excluded for term in terms)]


def tsquery(query: Query, sender_id: str | None, has_attachment: bool | None) -> str:
    """The query for PostgreSQL, with ``SCOPE`` where the channel belongs."""
    alternatives = (" & ".join(dict.fromkeys(map(_written, terms))) for terms in query)
    parts = [f"({' | '.join(f'({one})' for one in alternatives)})"]
    if sender_id is not None:
        parts.append(f"'{SCOPE}@{sender_id}'")
    if has_attachment is not None:
        parts.append(f"{'' if has_attachment else '!'}'{SCOPE}#'")
    return " & ".join(parts)


def _written(term: Term) -> str:
    phrase = " <-> ".join(f"'{SCOPE}{word}'" for word in term.words)
    return f"{'!' if term.excluded else ''}({phrase}{':*' if term.prefix else ''})"
