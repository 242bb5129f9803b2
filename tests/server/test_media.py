"""Media types: what a client says it takes, and what that means."""

import pytest

from server.media import EVENT_STREAM, GRAPHQL_RESPONSE, JSON, MULTIPART, acceptable

URQL = (
    "application/graphql-response+json, application/graphql+json, application/json,"
    " text/event-stream, multipart/mixed"
)
APOLLO = (
    "multipart/mixed;boundary=graphql;subscriptionSpec=1.0,"
    "application/graphql-response+json,application/json;q=0.9"
)


@pytest.mark.parametrize(
    ("accept", "types"),
    [
        (None, [JSON]),
        ("", [JSON]),
        ("*/*", [JSON]),
        ("text/html", []),
        ("text/event-stream", [EVENT_STREAM]),
        # urql
        ("text/event-stream, multipart/mixed", [EVENT_STREAM]),
        (
            URQL,
            [GRAPHQL_RESPONSE, JSON, EVENT_STREAM],
        ),
        # Apollo Client: a subscription, and a query that might be deferred
        (
            APOLLO,
            [MULTIPART, GRAPHQL_RESPONSE, JSON],
        ),
        ('multipart/mixed; boundary="graphql"; subscriptionSpec="1.0"', [MULTIPART]),
        ("multipart/mixed;deferSpec=20220824,application/json", [JSON]),
        # weights
        ("application/json;q=0.5, application/graphql-response+json", [GRAPHQL_RESPONSE, JSON]),
        ("application/json;q=0, text/event-stream;q=0.1", [EVENT_STREAM]),
        ("*/*;q=0.1, text/event-stream", [EVENT_STREAM, JSON]),
        ("application/json;q=2, text/event-stream;q=high", []),
        ("APPLICATION/JSON ; Q=1.000", [JSON]),
    ],
)
def test_our_types_in_the_client_s_order(accept: str | None, types: list[str]) -> None:
    assert acceptable(accept) == types


def test_more_than_any_client_says_is_not_looked_at() -> None:
    assert acceptable("text/html," * 6_000 + JSON) == []
    assert acceptable(JSON + ",text/html" * 6_000) == [JSON]
