"""Answers: results as the bytes that are sent."""

from typing import Any

import orjson
from graphql import ExecutionResult, GraphQLError

from execution.requests import Prepared
from schema.blame import name_fields
from schema.documents import MAX_ERRORS
from schema.errors import formatted


def encoded(result: ExecutionResult, prepared: Prepared) -> bytes:
    """A result as JSON; ``errors`` come first, where people look."""
    answer: dict[str, Any] = {}
    if result.errors:
        answer["errors"] = all_formatted(result.errors, prepared)
    answer["data"] = result.data
    return to_json(answer)


def all_formatted(errors: list[GraphQLError], prepared: Prepared) -> list[dict[str, Any]]:
    """The errors of a request as a client is told of them."""
    if errors and not errors[0].path:
        # Nothing was run: a list of twenty thousand wrong values is wrong in one way.
        errors = errors[:MAX_ERRORS]
    name_fields(errors, prepared.document.ast)
    return [formatted(error, prepared.request.request_id) for error in errors]


def to_json(value: Any) -> bytes:
    """The value as JSON, whatever strings clients have sent that errors now repeat."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return orjson.dumps(_printable(value))


def _printable(value: Any) -> Any:
    if isinstance(value, dict):
        return {_printable(key): _printable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_printable(item) for item in value]
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    return value
