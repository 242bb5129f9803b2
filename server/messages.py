"""Messages of graphql-transport-ws as clients send them, read with suspicion."""

from collections.abc import Mapping
from typing import Any

from server.json_values import read_json
from storage.errors import Refusal

MAX_ID = 200
"""Characters in the id of an operation."""


class Malformed(Exception):
    """The protocol has no such message; its text says why not."""


def read_message(event: Mapping[str, Any]) -> dict[str, Any]:
    """The message in what ASGI received: of a known type, every part of it of the right kind.

    Raises Malformed.
    """
    text = event.get("text")
    if text is None:
        raise Malformed("Messages are text")
    try:
        message = read_json(text.encode("utf-8", "surrogatepass"))
    except Refusal:
        raise Malformed("Messages are JSON") from None
    if not isinstance(message, dict):
        raise Malformed("Messages are JSON objects")
    kind = message.get("type")
    if kind in ("connection_init", "ping", "pong"):
        if not isinstance(message.get("payload"), dict | None):
            raise Malformed(f"The payload of {kind} is an object")
    elif kind in ("subscribe", "complete"):
        if not _is_id(message.get("id")):
            raise Malformed("The id of an operation is a text")
        if kind == "subscribe" and not _is_request(message.get("payload")):
            raise Malformed("The payload of subscribe is a GraphQL request")
    else:
        raise Malformed("Unknown type of message")
    return message


def _is_id(id: Any) -> bool:
    # A lone surrogate is none: it could not be sent back.
    return (
        isinstance(id, str)
        and 0 < len(id) <= MAX_ID
        and not any("\ud800" <= character <= "\udfff" for character in id)
    )


def _names_document(payload: dict[str, Any]) -> bool:
    extensions = payload.get("extensions")
    return payload.get("query") is None and (
        payload.get("documentId") is not None
        or (isinstance(extensions, dict) and "persistedQuery" in extensions)
    )


def _is_request(payload: Any) -> bool:
    return (
        isinstance(payload, dict)
        and (isinstance(payload.get("query"), str) or _names_document(payload))
        and isinstance(payload.get("operationName"), str | None)
        and isinstance(payload.get("variables"), dict | None)
        and isinstance(payload.get("extensions"), dict | None)
    )
