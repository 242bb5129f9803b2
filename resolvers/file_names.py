"""Names of files, as other people's systems will have to take them."""

import unicodedata

from resolvers.inputs import NOT_TEXT
from storage.errors import bad_input
from storage.file_types import RUNNABLE_ENDINGS, contradicts, ending

LONGEST = 255

_JOINERS = "\u200c\u200d"
"""What has no form and yet makes a difference, in Persian and in emojis."""


def cleaned(value: str) -> str:
    """The name itself, without the folders before it and what cannot be seen.

    Raises BAD_USER_INPUT for what is no name and for one that would have the file run.
    """
    if NOT_TEXT.search(value):
        raise bad_input("fileName", "This has characters that are not text.")
    if len(value) > LONGEST:
        raise bad_input("fileName", f"This must not be longer than {LONGEST} characters.")
    name = unicodedata.normalize("NFC", value).replace("\\", "/").rpartition("/")[2]
    # Line breaks and the like become blanks. What turns the direction of writing goes:
    # with it, "gpj.exe" is read as "exe.jpg".
    name = "".join(
        " " if unicodedata.category(character) in ("Cc", "Zl", "Zp") else character
        for character in name
        if unicodedata.category(character) != "Cf" or character in _JOINERS
    )
    # Windows drops dots and blanks at the end, and then the ending is another one.
    name = name.lstrip().rstrip(". \t\u00a0\u3000" + _JOINERS)
    if not name:
        raise bad_input("fileName", "This must not be empty.")
    if ending(name) in RUNNABLE_ENDINGS:
        raise bad_input("fileName", f"Files that end in .{ending(name)} cannot be sent.")
    return name


def require_agreement(name: str, type_name: str) -> None:
    """Raise BAD_USER_INPUT for a name that says the file is something else."""
    if contradicts(type_name, name):
        raise bad_input("fileName", f"A file that ends in .{ending(name)} is not {type_name}.")
