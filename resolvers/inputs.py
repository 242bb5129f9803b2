"""What people may put in: one check for each kind of value, each naming its field."""

import re
from hashlib import blake2b
from unicodedata import category

import orjson
from emoji import EMOJI_DATA, STATUS

from storage import ids
from storage.errors import Refusal, bad_input

DEFAULT_PAGE = 50
MAX_PAGE = 100
MAX_IDS = 1_000
MAX_MENTIONS = 100
MAX_ID_LENGTH = 100
MAX_NAME = 80
MAX_TOPIC = 250
MAX_URL = 2_000
MAX_SEARCH = 200
MAX_CLIENT_MESSAGE_ID = 100

NOT_TEXT = re.compile("[\x00\ud800-\udfff]")
"""PostgreSQL keeps no NUL, and a lone surrogate is no character."""
_SHOWN_AS_EMOJI = "\ufe0f"
_EMOJIS = {
    emoji.replace(_SHOWN_AS_EMOJI, ""): emoji
    for emoji, data in EMOJI_DATA.items()
    if data["status"] == STATUS["fully_qualified"]
}
"""Every emoji that keyboards offer, however much of its spelling is left out."""

_UNSEEN = frozenset({"Cc", "Cf", "Mn", "Zl", "Zp", "Zs"})
"""Categories of characters that show nothing by themselves (Unicode, General_Category)."""


def text(value: str, field: str, *, longest: int, empty: bool = False) -> str:
    """The text without white space around it. Raises BAD_USER_INPUT for what cannot be stored."""
    if NOT_TEXT.search(value):
        raise bad_input(field, "This has characters that are not text.")
    value = value.strip()
    # First: what comes next looks at each character.
    if len(value) > longest:
        raise bad_input(field, f"This must not be longer than {longest:,} characters.")
    if not all(category(character) in _UNSEEN for character in value):
        return value
    if not empty:
        raise nothing(field)
    return ""


def nothing(field: str) -> Refusal:
    """The refusal of a text in which nothing is to be seen."""
    return bad_input(field, "This must not be empty.")


def optional_text(value: str | None, field: str, *, longest: int) -> str | None:
    """The same, where nothing and an empty text mean that there is none."""
    return None if value is None else text(value, field, longest=longest, empty=True) or None


def url(value: str | None, field: str) -> str | None:
    """A link that is safe to show as a picture's source."""
    value = optional_text(value, field, longest=MAX_URL)
    if value is not None and not value.startswith(("https://", "http://")):
        raise bad_input(field, "This must be a link that starts with https://.")
    return value


def first(value: int | None, field: str = "first") -> int:
    """How many rows of a page; fifty when nothing is said."""
    if value is None:
        return DEFAULT_PAGE
    if not 0 <= value <= MAX_PAGE:
        raise bad_input(field, f"This must be between 0 and {MAX_PAGE}.")
    return value


def user_ids(values: list[str], field: str, unknown: Refusal, most: int = MAX_IDS) -> list[str]:
    """Directory ids, each once, in the order given.

    Raises BAD_USER_INPUT for too many, and ``unknown`` for one that cannot be
    anybody's: what the caller also says of people who are not there.
    """
    if len(values) > most:
        raise bad_input(field, f"This must not have more than {most:,} entries.")
    found = [ids.user_id(value) for value in values]
    if None in found:
        raise unknown
    return list(dict.fromkeys(value for value in found if value is not None))


def own_ids(values: list[str], field: str, unknown: Refusal, *, most: int) -> list[str]:
    """Ids of ours, each once.

    Raises BAD_USER_INPUT for too many or one named twice, and ``unknown`` for one
    that cannot exist: what the caller also says of those that do not.
    """
    if len(values) > most:
        raise bad_input(field, f"This must not have more than {most} entries.")
    found = [ids.own_id(value) for value in values]
    if None in found:
        raise unknown
    if len(set(found)) != len(found):
        raise bad_input(field, "This names something twice.")
    return [value for value in found if value is not None]


def reaction(value: str) -> str:
    """An emoji in its fully qualified form (Unicode TR51). Raises BAD_USER_INPUT."""
    emoji = _EMOJIS.get(value.replace(_SHOWN_AS_EMOJI, ""))
    if emoji is None:
        raise bad_input("emoji", "This is not an emoji.")
    return emoji


def digest(*parts: object) -> bytes:
    """What was asked for, in sixteen bytes: the same only for the same."""
    return blake2b(orjson.dumps(parts), digest_size=16).digest()
