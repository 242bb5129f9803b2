"""Errors as clients see them: one place that turns exceptions into codes."""

from typing import Any

import structlog
from graphql import GraphQLError

from storage.errors import ErrorCode, Refusal

OUR_FAULT = "Something went wrong on our side."

LONGEST_MESSAGE = 500
"""Characters of what GraphQL says of a document. It repeats values written out line by line,
which makes 20 kB of 300 bytes."""

log = structlog.get_logger(__name__)


class Rejected(Exception):
    """The request was not run at all; ``errors`` are GraphQL errors in their JSON form."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__(errors)
        self.errors = errors


def errors_of(exception: Exception, request_id: str) -> list[dict[str, Any]]:
    """What a client is told of whatever ended its request outside of any field."""
    if isinstance(exception, Rejected):
        return exception.errors
    if not isinstance(exception, Refusal):
        log.error("internal", request_id=request_id, exc_info=exception)
        exception = Refusal(ErrorCode.INTERNAL, OUR_FAULT)
    return [refusal_error(exception, request_id)]


def formatted(error: GraphQLError, request_id: str) -> dict[str, Any]:
    """The error as the GraphQL specification has it, with ``extensions.code`` and what goes with
    it. What nobody foresaw is INTERNAL with the request's id and nothing else.

    The log has a line of each, under the same id, and of what nobody foresaw the whole story.
    """
    answer: dict[str, Any] = {}
    cause = cause_of(error)
    if isinstance(cause, Refusal):
        answer["message"] = cause.message
        extensions = refused(cause)
    elif cause is None:
        answer["message"] = _short(error.message)
        extensions = {"code": ErrorCode.BAD_USER_INPUT, **(error.extensions or {})}
    else:
        log.error("internal", request_id=request_id, path=error.path, exc_info=cause)
        answer["message"] = OUR_FAULT
        extensions = {"code": ErrorCode.INTERNAL}
    extensions["requestId"] = request_id
    _log(extensions, path=error.path)
    if error.locations:
        answer["locations"] = [place.formatted for place in error.locations]
    if error.path:
        answer["path"] = error.path
    answer["extensions"] = extensions
    return answer


def _short(message: str) -> str:
    return message if len(message) <= LONGEST_MESSAGE else message[:LONGEST_MESSAGE] + "…"


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
    """A refusal outside of any field; the log has a line of it."""
    extensions = {**refused(refusal), "requestId": request_id}
    _log(extensions)
    return {"message": refusal.message, "extensions": extensions}


def _log(extensions: dict[str, Any], **more: Any) -> None:
    if extensions["code"] != ErrorCode.INTERNAL:
        # Neither the message nor the value: both may be what somebody wrote.
        facts = {"code": str(extensions["code"]), "field": extensions.get("field"), **more}
        told = {name: fact for name, fact in facts.items() if fact is not None}
        log.info("refused", request_id=extensions["requestId"], **told)


def cause_of(error: GraphQLError) -> BaseException | None:
    """What went wrong in a field; None when GraphQL itself says so of what the client sent.

    What a client sent stands somewhere in the document. An error of a field that
    points at nothing there is about what we gave for an answer.
    """
    cause: BaseException | None = error.original_error
    while isinstance(cause, GraphQLError):
        if cause.original_error is None and error.path and not cause.nodes:
            return cause
        cause = cause.original_error
    return cause
