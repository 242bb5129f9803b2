"""GraphQL requests as clients send them, read with suspicion.

Used for HTTP bodies and for the payload of ``subscribe`` alike.
"""

import json
from collections.abc import Mapping
from typing import Any

import orjson

from schema.engine import Request
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


def graphql_request(value: Any, request_id: str, last_event_id: str | None = None) -> Request:
    """The request in a JSON object with ``query``, ``variables``, ``operationName`` and
    ``extensions``. Raises BAD_USER_INPUT naming the part that is wrong.
    """
    if not isinstance(value, Mapping):
        raise bad_input("body", "A request is a JSON object.")
    query = value.get("query")
    if not isinstance(query, str) or not query.strip():
        raise bad_input("query", "A request has a query, which is a text.")
    variables = value.get("variables")
    if variables is not None and not isinstance(variables, Mapping):
        raise bad_input("variables", "The variables are a JSON object.")
    name = value.get("operationName")
    if name is not None and not isinstance(name, str):
        raise bad_input("operationName", "The operation's name is a text.")
    if value.get("extensions") is not None and not isinstance(value["extensions"], Mapping):
        raise bad_input("extensions", "The extensions are a JSON object.")
    return Request(query, variables or {}, name or None, request_id, last_event_id)
