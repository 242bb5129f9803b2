"""The one scalar that is ours."""

from datetime import UTC, datetime

import strawberry
from graphql import GraphQLError


def to_rfc3339(value: datetime) -> str:
    """The moment in UTC, to the microsecond, in a form that also sorts as text."""
    return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def from_rfc3339(value: object) -> datetime:
    """The moment a client means. Raises GraphQLError for anything without a time zone."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise GraphQLError("This is not an RFC 3339 timestamp with a time zone.")
    return moment.astimezone(UTC)


DATE_TIME = strawberry.scalar(
    name="DateTime",
    description="RFC 3339 timestamp in UTC, e.g. 2026-11-20T09:30:00.123456Z.",
    serialize=to_rfc3339,
    parse_value=from_rfc3339,
)
