"""Refusals: the one way in which Backchannel says no.

Every layer raises :class:`Refusal`; the GraphQL layer turns it into an error
whose ``extensions`` carry the code and, where they apply, the field's name,
the service that is missing, or the seconds to wait. The codes are public:
clients branch on them, so they are only ever added to.
"""

from enum import StrEnum
from typing import Literal

Service = Literal["backchannel", "postgres", "mongodb", "s3", "jwks"]


class ErrorCode(StrEnum):
    """What a client can do about a refusal."""

    UNAUTHENTICATED = "UNAUTHENTICATED"
    """Sign in again, then repeat."""
    FORBIDDEN = "FORBIDDEN"
    """The viewer sees the thing but may not do this to it."""
    NOT_FOUND = "NOT_FOUND"
    """It does not exist or the viewer may not see it: the two look the same."""
    BAD_USER_INPUT = "BAD_USER_INPUT"
    """The input is wrong; ``field`` names the part. Repeating cannot help."""
    CONFLICT = "CONFLICT"
    """It contradicts what is already there."""
    RATE_LIMITED = "RATE_LIMITED"
    """Wait ``retry_after`` seconds, then repeat."""
    QUERY_TOO_COMPLEX = "QUERY_TOO_COMPLEX"
    """The document asks for too much. Repeating cannot help."""
    RESYNC_REQUIRED = "RESYNC_REQUIRED"
    """The cursor cannot be served: fetch anew and subscribe from there."""
    UNAVAILABLE = "UNAVAILABLE"
    """``service`` is out of reach for now; repeating later helps."""
    INTERNAL = "INTERNAL"
    """Our fault; the log has it under the request's id."""
    PERSISTED_QUERY_NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"
    """No refusal but a step of automatic persisted queries: send the text along with its hash."""
    PERSISTED_QUERY_NOT_SUPPORTED = "PERSISTED_QUERY_NOT_SUPPORTED"
    """The same, where none are kept: send texts without hashes."""


class Refusal(Exception):
    """Something was asked for and will not be done; nothing was changed."""

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        *,
        field: str | None = None,
        service: Service | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field
        self.service = service
        self.retry_after = retry_after


def bad_input(field: str, message: str) -> Refusal:
    """The input's part called ``field`` (its name in the GraphQL schema) is wrong."""
    return Refusal(ErrorCode.BAD_USER_INPUT, message, field=field)


def not_found(what: str, field: str) -> Refusal:
    """What ``field`` asks for does not exist as far as the viewer can tell."""
    return Refusal(ErrorCode.NOT_FOUND, f"There is no such {what}.", field=field)


def forbidden(message: str) -> Refusal:
    """The viewer sees it but may not do this."""
    return Refusal(ErrorCode.FORBIDDEN, message)


def unauthenticated(message: str) -> Refusal:
    """There is no valid session."""
    return Refusal(ErrorCode.UNAUTHENTICATED, message)


def conflict(message: str, field: str | None = None) -> Refusal:
    """It contradicts what is already there."""
    return Refusal(ErrorCode.CONFLICT, message, field=field)


def unavailable(service: Service) -> Refusal:
    """A server this needs cannot be reached."""
    return Refusal(
        ErrorCode.UNAVAILABLE, f"{service} is out of reach; try again later.", service=service
    )


def resync_required(message: str) -> Refusal:
    """The cursor is from another time of this log."""
    return Refusal(ErrorCode.RESYNC_REQUIRED, message)
