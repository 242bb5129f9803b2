"""Finding people by what somebody typed: whom it fits, and how well."""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from heapq import nsmallest
from itertools import islice

from loaders.roster import SORTED_BY, Entry, folded

_UNSPACED = re.compile(
    "[\u0e00-\u0e7f\u1100-\u115f\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff]"
)
"""First characters of words in scripts that put no space between them: Thai, Korean (whose
syllables are folded into their letters), Japanese and Chinese."""


Place = tuple[int, str, str]
"""How well somebody fits, the beginning of their folded name, and their id."""


class Wanted:
    """Words that must each begin a word of a name or an e-mail address."""

    def __init__(self, search: str | None) -> None:
        self._words = folded(search or "").split()
        self._whole = " ".join(self._words)
        self._begins = [_beginning(word) for word in self._words]

    def best(
        self, roster: list[Entry], after: Place, limit: int, shows: Callable[[Entry], bool]
    ) -> list[tuple[Place, Entry]]:
        """The first of those who fit and are shown, in order, after a place."""
        first = list(islice(self._first(roster, after, shows), limit))
        if len(first) == limit or not self._words:
            return first
        rest = (
            (place, entry)
            for entry in roster
            if (rank := self.rank(entry))
            and (place := (rank, entry.place, entry.id)) > after
            and shows(entry)
        )
        return first + nsmallest(limit - len(first), rest)

    def _first(
        self, roster: list[Entry], after: Place, shows: Callable[[Entry], bool]
    ) -> Iterator[tuple[Place, Entry]]:
        # Whose names begin alike stand together: a short search is done when there are enough.
        start = self._whole[:SORTED_BY]
        for number in range(bisect_left(roster, max((start, ""), after[1:])), len(roster)):
            entry = roster[number]
            place = (0, entry.place, entry.id)
            if after[0] > 0 or not entry.place.startswith(start):
                return
            if place > after and entry.name.startswith(self._whole) and shows(entry):
                yield place, entry

    def rank(self, entry: Entry) -> int | None:
        """How well somebody fits, the best first; None for who does not.

        0: the name begins with what was typed; 1: its words are in the name;
        2: some are in the address.
        """
        if not all(word in entry.text for word in self._words):
            return None
        if entry.name.startswith(self._whole):
            return 0
        if not all(begins.search(entry.text) for begins in self._begins):
            return None
        return 1 if all(begins.search(entry.name) for begins in self._begins) else 2


def _beginning(word: str) -> re.Pattern[str]:
    # What is no letter or digit begins a word wherever it stands: it is looked for as it is.
    is_free = not word[0].isalnum() or _UNSPACED.match(word)
    return re.compile(("" if is_free else r"(?<![^\W_])") + re.escape(word))
