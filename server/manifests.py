"""Manifests: the files in which a frontend's build says which documents it sends."""

from pathlib import Path
from typing import Any

from server.json_values import read_json
from storage.errors import Refusal

MAX_NAME = 200
"""Characters in the name of a document; a hash has 64."""


def read_manifest(path: Path) -> dict[str, str]:
    """The texts of documents by their ids.

    Either one object of ids and texts, as graphql-codegen's ``persistedDocuments``, Relay's
    compiler and gql.tada write it, or Apollo's ``apollo-persisted-query-manifest``.
    Raises ValueError, saying what is wrong and nothing of what is in the file.
    """
    try:
        value = read_json(path.read_bytes())
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None
    except Refusal:
        raise ValueError("is not JSON") from None
    found = value
    if isinstance(value, dict) and value.get("format") == "apollo-persisted-query-manifest":
        operations = value.get("operations")
        if not isinstance(operations, list) or not all(
            isinstance(each, dict) for each in operations
        ):
            raise ValueError("is a manifest of Apollo's without operations")
        found = {each.get("id"): each.get("body") for each in operations}
    if not isinstance(found, dict) or not all(_is_entry(*entry) for entry in found.items()):
        raise ValueError("must be an object of ids and the texts of documents")
    if not found:
        raise ValueError("has no documents")
    return found


def _is_entry(id: Any, text: Any) -> bool:
    return isinstance(id, str) and 0 < len(id) <= MAX_NAME and isinstance(text, str)
