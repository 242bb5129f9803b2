"""Documents: understood once, and refused soon when they ask for too much or for nothing."""

import time
from collections.abc import Callable

import pytest

from schema import graphql_schema
from schema.documents import KEPT_CHARACTERS, Document, Documents, Invalid
from schema.limits import MAX_CHARACTERS
from storage.errors import ErrorCode, Refusal


@pytest.fixture
def documents() -> Documents:
    return Documents(graphql_schema(), introspection=True)


def refused(documents: Documents, text: str) -> tuple[object, str]:
    """With what code and why a document is refused, which takes no time to speak of."""
    began = time.process_time()
    try:
        documents.get(text)
    except Invalid as invalid:
        error = invalid.errors[0]
        code = (error.extensions or {}).get("code", ErrorCode.BAD_USER_INPUT)
        found: tuple[object, str] = (code, error.message)
    except Refusal as refusal:
        found = (refusal.code, refusal.message)
    else:
        raise AssertionError("not refused")
    assert time.process_time() - began < 0.5
    return found


def is_refused(documents: Documents, text: str) -> bool:
    try:
        documents.get(text)
    except (Invalid, Refusal):
        return True
    return False


def test_a_document_is_understood_once(documents: Documents) -> None:
    text = "{ viewer { user { id } } }"
    assert documents.get(text) is documents.get(text)


NESTED: dict[str, Callable[[int], str]] = {
    "fields": lambda n: (
        "{ message(id: 1) {" + "channel { lastMessage {" * n + "id" + "} }" * n + "} }"
    ),
    "inline fragments": lambda n: "{" + "... {" * n + "__typename" + "}" * n + "}",
    "lists": lambda n: "{ channel(id: " + "[" * n + "]" * n + ") { id } }",
    "objects": lambda n: "{ channel(id: " + "{ a: " * n + "1" + "}" * n + ") { id } }",
    "list types": lambda n: "query ($a: " + "[" * n + "ID" + "]" * n + ") { __typename }",
    "chained fragments": lambda n: (
        "{ message(id: 1) { ...F0 } }"
        + "".join(f" fragment F{i} on Message {{ ...F{i + 1} }}" for i in range(n))
        + f" fragment F{n} on Message {{ id }}"
    ),
    "chained and nested fragments": lambda n: (
        "{ message(id: 1) { ...F0 } }"
        + "".join(
            f" fragment F{i} on Message {{ channel {{ lastMessage {{ ...F{i + 1} }} }} }}"
            for i in range(n)
        )
        + f" fragment F{n} on Message {{ id }}"
    ),
}


@pytest.mark.parametrize("kind", NESTED)
def test_no_depth_is_too_much_to_be_answered(documents: Documents, kind: str) -> None:
    outcomes = set()
    for depth in [*range(1, 260, 23), 400, 1_600]:
        outcomes.add(is_refused(documents, NESTED[kind](depth)))
    assert True in outcomes


def test_too_many_characters_are_refused_unread(documents: Documents) -> None:
    text = "{ viewer { user { id } } }"
    documents.get(text + " " * (MAX_CHARACTERS - len(text)))
    for long in (text + " " * MAX_CHARACTERS, "{" * 10_000_000):
        assert refused(documents, long)[0] == ErrorCode.QUERY_TOO_COMPLEX


def test_too_many_tokens_are_refused(documents: Documents) -> None:
    for text in ("{" + "a " * 2_001 + "}", "query (" + "$a: [ID] " * 400 + ") { __typename }"):
        assert "tokens" in refused(documents, text)[1]


@pytest.mark.parametrize(
    "cycle",
    [
        "{ message(id: 1) { ...A } } fragment A on Message { id ...A }",
        "{ message(id: 1) { ...A } } fragment A on Message { ...B } fragment B on Message { ...A }",
        "{ ...A } fragment A on Query { viewer { ...B } } fragment B on Viewer { user { ...B } }",
        "{ message(id: 1) { ...A } } fragment A on Message { parent { parent { ...A } } }",
        "{ __typename } fragment A on Message { ...A }",
        "{ ...A } fragment A on Query { ... { ...B } } fragment B on Query { ... { ...A } }",
    ],
)
def test_fragments_that_go_round_in_circles_are_refused(documents: Documents, cycle: str) -> None:
    assert is_refused(documents, cycle)


def bomb(length: int, one_use: str, end: str = "id") -> str:
    """Each fragment uses the next one twice."""
    return (
        "{ message(id: 1) { ...F0 } }"
        + "".join(
            f" fragment F{i} on Message {{ {one_use.format('F', i + 1)} }}" for i in range(length)
        )
        + f" fragment F{length} on Message {{ {end} }}"
    )


@pytest.mark.parametrize(
    "one_use",
    [
        "a: channel {{ lastMessage {{ ...{0}{1} }} }} b: channel {{ lastMessage {{ ...{0}{1} }} }}",
        "channel {{ lastMessage {{ ...{0}{1} ...{0}{1} }} }}",
        "...{0}{1} ...{0}{1}",
        "parent {{ ...{0}{1} }} parent {{ ...{0}{1} }}",
    ],
)
def test_fragments_that_multiply_are_refused(documents: Documents, one_use: str) -> None:
    for length in (20, 40):
        assert refused(documents, bomb(length, one_use))[0] == ErrorCode.QUERY_TOO_COMPLEX


def test_of_many_documents_only_so_many_are_kept(documents: Documents) -> None:
    def use(text: str) -> Document:
        documents.get(text)
        return documents.get(text)

    first = use("{ __typename }")
    for number in range(10):
        use(f"{{ a{number}: __typename }}")
    assert use("{ __typename }") is first
    # Long, and quickly read.
    for number in range(KEPT_CHARACTERS // 19_000 + 1):
        use(f"{{ a{number}: __typename }} # " + "x" * 19_000)
    assert use("{ __typename }") is not first


@pytest.mark.parametrize(
    ("text", "name", "found"),
    [
        ("{ __typename }", None, None),
        ("query A { __typename }", None, "A"),
        ("query A { __typename }", "A", "A"),
        ("query A { __typename } mutation B { __typename }", "B", "B"),
        ("query A { ...F } fragment F on Query { __typename }", None, "A"),
    ],
)
def test_the_operation_that_was_meant_is_found(
    documents: Documents, text: str, name: str | None, found: str | None
) -> None:
    node = documents.get(text).operation(name)
    assert (node.name.value if node.name else None) == found


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("query A { __typename } query B { __typename }", None),
        ("query A { __typename } query B { __typename }", "C"),
        ("{ __typename }", "A"),
        ("query A { __typename }", "a"),
    ],
)
def test_an_operation_that_is_not_there_is_not_guessed(
    documents: Documents, text: str, name: str | None
) -> None:
    with pytest.raises(Refusal) as refused:
        documents.get(text).operation(name)
    assert (refused.value.code, refused.value.field) == (
        ErrorCode.BAD_USER_INPUT,
        "operationName",
    )


def test_introspection_is_answered_where_it_is_switched_on_only(documents: Documents) -> None:
    text = "{ __schema { types { name } } }"
    documents.get(text)
    secret = Documents(graphql_schema(), introspection=False)
    assert refused(secret, text)[0] == ErrorCode.BAD_USER_INPUT
    secret.get("{ __typename }")
