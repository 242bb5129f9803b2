"""JSON from outside, read with suspicion."""

import json
from typing import Any

import orjson

from storage.errors import bad_input


def read_json(body: bytes) -> Any:
    """The JSON value in these bytes. Raises BAD_USER_INPUT for anything else.

    orjson refuses escapes of lone surrogates, which are valid JSON: those are
    let through here, so that the field they stand in can be named.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        pass
    try:
        if b"\\u" in body:
            return json.loads(body.decode("utf-8"), parse_constant=_refuse)
    except (ValueError, RecursionError):
        pass
    raise bad_input("body", "The body is not valid JSON.")


def _refuse(constant: str) -> None:
    raise ValueError(constant)
