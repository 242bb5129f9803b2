"""Ids: time-ordered UUIDs for what is ours, ObjectIds for people."""

import re

from uuid_utils import uuid7

_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_OBJECT_ID = re.compile(r"[0-9a-f]{24}")


def new_id() -> str:
    """A UUIDv7 (RFC 9562): unguessable, yet in the order of creation for the indexes' sake."""
    return str(uuid7())


def own_id(value: str) -> str | None:
    """The id in the one form it is stored in, or None when it cannot be one of ours."""
    value = value.lower()
    return value if _UUID.fullmatch(value) else None


def user_id(value: str) -> str | None:
    """The directory id in the one form it is stored in, or None when it cannot be one."""
    value = value.lower()
    return value if _OBJECT_ID.fullmatch(value) else None
