"""Finding people by what somebody typed: whom it fits, and how well."""

import re

from loaders.roster import Entry, folded

_UNSPACED = re.compile(
    "[\u0e00-\u0e7f\u1100-\u115f\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff]"
)
"""First characters of words in scripts that put no space between them: Thai, Korean (whose
syllables are folded into their letters), Japanese and Chinese."""


class Wanted:
    """Words that must each begin a word of a name or an e-mail address."""

    def __init__(self, search: str | None) -> None:
        self._words = folded(search or "").split()
        self._whole = " ".join(self._words)
        self._begins = [_beginning(word) for word in self._words]

    def rank(self, entry: Entry) -> int | None:
        """How well somebody fits, the best first; None for who does not.

        0: the name or the address is what was typed; 1: the name begins with
        it; 2: its words are in the name; 3: some are in the address.
        """
        if not all(word in entry.text for word in self._words):
            return None
        if not all(begins.search(entry.text) for begins in self._begins):
            return None
        if not self._words:
            return 1
        if entry.name == self._whole or entry.text[len(entry.name) + 1 :] == self._whole:
            return 0
        if entry.name.startswith(self._whole):
            return 1
        return 2 if all(begins.search(entry.name) for begins in self._begins) else 3


def _beginning(word: str) -> re.Pattern[str]:
    # What is no letter or digit begins a word wherever it stands: it is looked for as it is.
    is_free = not word[0].isalnum() or _UNSPACED.match(word)
    return re.compile(("" if is_free else r"(?<![^\W_])") + re.escape(word))
