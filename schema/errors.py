"""Errors as clients see them: one place that turns exceptions into codes."""

from typing import Any

import structlog
from graphql import GraphQLError

from storage.errors import ErrorCode, Refusal

log = structlog.get_logger(__name__)


def formatted(error: GraphQLError, request_id: str) -> dict[str, Any]:
    """The error as the GraphQL specification has it, with ``extensions.code`` and what goes with
    it. What nobody foresaw is INTERNAL with the request's id and nothing else; the log has it.
    """
    answer: dict[str, Any] = {}
    cause = cause_of(error)
    if isinstance(cause, Refusal):
        answer["message"] = cause.message
        extensions = refused(cause)
    elif cause is None:
        answer["message"] = error.message
        extensions = {"code": ErrorCode.BAD_USER_INPUT, **(error.extensions or {})}
    else:
        log.error("internal", request_id=request_id, path=error.path, exc_info=cause)
        answer["message"] = "Something went wrong on our side."
        extensions = {"code": ErrorCode.INTERNAL}
    if error.locations:
        answer["locations"] = [place.formatted for place in error.locations]
    if error.path:
        answer["path"] = error.path
    extensions["requestId"] = request_id
    answer["extensions"] = extensions
    return answer


def refused(refusal: Refusal) -> dict[str, Any]:
    """The ``extensions`` of a refusal."""
    extensions: dict[str, Any] = {"code": refusal.code}
    if refusal.field is not None:
        extensions["field"] = refusal.field
    if refusal.service is not None:
        extensions["service"] = refusal.service
    if refusal.retry_after is not None:
        extensions["retryAfter"] = refusal.retry_after
    return extensions


def refusal_error(refusal: Refusal, request_id: str) -> dict[str, Any]:
    """A refusal outside of any field."""
    return {
        "message": refusal.message,
        "extensions": {**refused(refusal), "requestId": request_id},
    }


def cause_of(error: GraphQLError) -> BaseException | None:
    """What went wrong in a field; None when GraphQL itself says so."""
    cause: BaseException | None = error.original_error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    return cause
