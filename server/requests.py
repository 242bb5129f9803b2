"""GraphQL requests as clients send them, read with suspicion.

Used for HTTP bodies and for the payload of ``subscribe`` alike.
"""

from collections.abc import Mapping
from typing import Any

from execution.requests import Request
from schema.persisted import Named
from server.manifests import MAX_NAME
from storage.errors import bad_input


def graphql_request(value: Any, request_id: str, last_event_id: str | None = None) -> Request:
    """The request in a JSON object with ``query``, ``variables``, ``operationName`` and
    ``extensions``. Raises BAD_USER_INPUT naming the part that is wrong.
    """
    if not isinstance(value, Mapping):
        raise bad_input("body", "A request is a JSON object.")
    named = _named(value)
    query = value.get("query")
    if named and query is None:
        query = ""
    elif not isinstance(query, str) or not query.strip():
        raise bad_input("query", "A request has a query, which is a text.")
    variables = value.get("variables")
    if variables is not None and not isinstance(variables, Mapping):
        raise bad_input("variables", "The variables are a JSON object.")
    name = value.get("operationName")
    if name is not None and not isinstance(name, str):
        raise bad_input("operationName", "The operation's name is a text.")
    return Request(query, variables or {}, name or None, request_id, last_event_id, named)


def _named(request: Mapping[str, Any]) -> Named | None:
    """What the request calls its document, in one of the ways in which clients do."""
    extensions = request.get("extensions")
    if extensions is not None and not isinstance(extensions, Mapping):
        raise bad_input("extensions", "The extensions are a JSON object.")
    id = request.get("documentId")
    if id is not None:
        if not isinstance(id, str) or not 0 < len(id) <= MAX_NAME:
            raise bad_input("documentId", "The id of a document is a text.")
        return Named(id, is_hash=False)
    asked = (extensions or {}).get("persistedQuery")
    if asked is None:
        return None
    hash = asked.get("sha256Hash") if isinstance(asked, Mapping) else None
    if not isinstance(hash, str) or not 0 < len(hash) <= MAX_NAME or asked.get("version") != 1:
        raise bad_input("extensions", "A persistedQuery has version 1 and a sha256Hash.")
    return Named(hash, is_hash=True)
