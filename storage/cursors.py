"""Cursors: opaque strings that say where in an ordered list a reader is.

A cursor carries its kind and its scope (a channel, a thread, a person), so one
list's cursor is never taken for another's. It grants nothing: whoever sends
one is authorized as if they had sent none.
"""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from enum import StrEnum
from typing import NamedTuple

import orjson

from storage.errors import bad_input

MAX_LENGTH = 1_000
MAX_BIGINT = 2**63 - 1


class CursorKind(StrEnum):
    """Which list a cursor belongs to."""

    EVENT = "e"
    MESSAGE = "m"
    REPLY = "r"
    MEMBER = "p"
    CHANNEL = "c"
    USER = "u"
    SEARCH = "s"
    RECEIPT = "b"


class EventCursor(NamedTuple):
    """A place in a channel's log: the event last received."""

    epoch: int
    position: int


def encode(kind: CursorKind, scope: str, *key: str | int) -> str:
    """The cursor of the row whose sort key is ``key``."""
    return urlsafe_b64encode(orjson.dumps([kind, scope, *key])).rstrip(b"=").decode()


def decode(
    kind: CursorKind, scope: str, cursor: str, field: str, types: tuple[type, ...]
) -> list[str | int]:
    """The sort key in a cursor of this kind and scope.

    Raises BAD_USER_INPUT naming ``field`` for a cursor of another list, or for
    anything that is not a cursor.
    """
    refusal = bad_input(field, "This is not a cursor of this list.")
    if len(cursor) > MAX_LENGTH:
        raise refusal
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        parts = orjson.loads(urlsafe_b64decode(padded))
    except (ValueError, binascii.Error):
        raise refusal from None
    if not isinstance(parts, list) or parts[:2] != [kind, scope]:
        raise refusal
    key: list[str | int] = parts[2:]
    if tuple(type(part) for part in key) != types:
        raise refusal
    if any(
        not 0 <= part <= MAX_BIGINT if isinstance(part, int) else "\x00" in part for part in key
    ):
        raise refusal
    return key


def encode_position(kind: CursorKind, scope: str, position: int) -> str:
    """The cursor of a message in a channel, or of a reply in a thread."""
    return encode(kind, scope, position)


def decode_position(kind: CursorKind, scope: str, cursor: str, field: str) -> int:
    """The position in a message's or reply's cursor. Raises BAD_USER_INPUT."""
    (position,) = decode(kind, scope, cursor, field, (int,))
    assert isinstance(position, int)
    return position


def encode_event(channel_id: str, epoch: int, position: int) -> str:
    """The cursor of an event in a channel's log."""
    return encode(CursorKind.EVENT, channel_id, epoch, position)


def decode_event(channel_id: str, cursor: str, field: str) -> EventCursor:
    """The place in the log that a cursor names. Raises BAD_USER_INPUT."""
    epoch, position = decode(CursorKind.EVENT, channel_id, cursor, field, (int, int))
    assert isinstance(epoch, int)
    assert isinstance(position, int)
    return EventCursor(epoch, position)
