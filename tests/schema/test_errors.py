"""What clients are told when something is refused, and when something breaks."""

from typing import Any

import orjson
import pytest
import structlog
from graphql import (
    ExecutionResult,
    GraphQLError,
    GraphQLField,
    GraphQLInt,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLString,
    execute,
    parse,
)

from execution.answers import to_json
from schema.errors import LONGEST_MESSAGE, formatted, refusal_error
from storage.errors import (
    ErrorCode,
    Refusal,
    bad_input,
    conflict,
    forbidden,
    not_found,
    resync_required,
    unauthenticated,
    unavailable,
)

SECRET = "postgresql://user:password@10.0.0.1"

REFUSALS: list[tuple[Refusal, dict[str, Any]]] = [
    (bad_input("content", "m"), {"code": "BAD_USER_INPUT", "field": "content"}),
    (not_found("channel", "id"), {"code": "NOT_FOUND", "field": "id"}),
    (forbidden("m"), {"code": "FORBIDDEN"}),
    (unauthenticated("m"), {"code": "UNAUTHENTICATED"}),
    (conflict("m", "clientMessageId"), {"code": "CONFLICT", "field": "clientMessageId"}),
    (conflict("m"), {"code": "CONFLICT"}),
    (unavailable("mongodb"), {"code": "UNAVAILABLE", "service": "mongodb"}),
    (resync_required("m"), {"code": "RESYNC_REQUIRED"}),
    (
        Refusal(ErrorCode.RATE_LIMITED, "m", retry_after=1.5),
        {"code": "RATE_LIMITED", "retryAfter": 1.5},
    ),
]


def result_of(raised: object, type: Any = GraphQLString) -> dict[str, Any]:
    """The only error of a field that raises this, or that gives it for a value."""

    def resolve(*_: object) -> object:
        if isinstance(raised, BaseException):
            raise raised
        return raised

    schema = GraphQLSchema(
        GraphQLObjectType("Query", {"broken": GraphQLField(type, resolve=resolve)})
    )
    result = execute(schema, parse("{ broken }"))
    assert isinstance(result, ExecutionResult)
    assert result.errors is not None
    (error,) = result.errors
    answer: dict[str, Any] = orjson.loads(to_json(formatted(error, "the request")))
    return answer


@pytest.mark.parametrize(("refusal", "extensions"), REFUSALS)
def test_a_refusal_has_its_code_and_what_goes_with_it(
    refusal: Refusal, extensions: dict[str, Any]
) -> None:
    answer = result_of(refusal)
    assert answer == {
        "message": refusal.message,
        "locations": [{"line": 1, "column": 3}],
        "path": ["broken"],
        "extensions": {**extensions, "requestId": "the request"},
    }
    outside = orjson.loads(to_json(refusal_error(refusal, "the request")))
    assert outside == {"message": answer["message"], "extensions": answer["extensions"]}


@pytest.mark.parametrize(
    ("raised", "type"),
    [
        (ValueError(SECRET), GraphQLString),
        (RecursionError(SECRET), GraphQLString),
        (AssertionError(SECRET), GraphQLString),
        (KeyError(SECRET), GraphQLString),
        (ExceptionGroup(SECRET, [ValueError(SECRET)]), GraphQLString),
        # What we give out and GraphQL cannot is our fault too.
        (None, GraphQLNonNull(GraphQLString)),
        ([SECRET], GraphQLString),
        (2**40, GraphQLInt),
        (SECRET, GraphQLInt),
        (GraphQLError(SECRET), GraphQLString),
    ],
    ids=repr,
)
def test_what_nobody_foresaw_is_internal_and_told_to_the_log_only(
    raised: object, type: Any
) -> None:
    with structlog.testing.capture_logs() as logged:
        answer = result_of(raised, type)
    assert answer == {
        "message": "Something went wrong on our side.",
        "locations": [{"line": 1, "column": 3}],
        "path": ["broken"],
        "extensions": {"code": "INTERNAL", "requestId": "the request"},
    }
    (line,) = logged
    assert line["event"] == "internal"
    assert line["request_id"] == "the request"
    assert isinstance(line["exc_info"], BaseException)


def test_the_client_s_own_mistake_is_told_in_graphql_s_words() -> None:
    with pytest.raises(GraphQLError) as mistake:
        parse("{ broken")
    answer = formatted(mistake.value, "the request")
    assert answer["message"] == "Syntax Error: Expected Name, found <EOF>."
    assert answer["locations"] == [{"line": 1, "column": 9}]
    assert answer["extensions"] == {"code": "BAD_USER_INPUT", "requestId": "the request"}


def test_no_value_is_repeated_at_length() -> None:
    said = formatted(GraphQLError("That is wrong: " + "1 " * 10_000), "id")["message"]
    assert said.startswith("That is wrong: 1 1")
    assert len(said) == LONGEST_MESSAGE + 1


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb", "\ud83d\ude00", "😀", "\x00", '"'])
def test_whatever_clients_have_sent_can_be_said_back(text: str) -> None:
    answer = formatted(GraphQLError(f"Not this: {text}", extensions={text: [text]}), text)
    said = orjson.loads(to_json(answer))
    assert said["message"].startswith("Not this: ")
    assert said["extensions"]["code"] == "BAD_USER_INPUT"
    if text.isprintable() or text == "\x00":
        assert said["message"] == f"Not this: {text}"
