"""Documents: understood once, and refused soon when they ask for too much or for nothing."""

import contextlib
import time
from collections.abc import Callable

import pytest

import schema.documents
from schema import graphql_schema
from schema.documents import Documents, Invalid
from schema.limits import MAX_CHARACTERS, MAX_FIELDS
from storage.errors import ErrorCode, Refusal


@pytest.fixture
def documents() -> Documents:
    return Documents(graphql_schema(), introspection=True)


def refusal(documents: Documents, text: str) -> str:
    """Why the document is refused, which takes no time to speak of, first time or not."""
    said = []
    for _ in range(2):
        began = time.process_time()
        with pytest.raises(Invalid) as refused:
            documents.get(text)
        assert time.process_time() - began < 0.5
        said.append(refused.value.errors[0].message)
    assert said[0] == said[1]
    return said[0]


def code(documents: Documents, text: str) -> object:
    with pytest.raises(Invalid) as refused:
        documents.get(text)
    return (refused.value.errors[0].extensions or {}).get("code")


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
        try:
            documents.get(NESTED[kind](depth))
        except Invalid:
            outcomes.add("refused")
        else:
            outcomes.add("understood")
    assert "refused" in outcomes


def test_too_many_characters_are_refused_unread(documents: Documents) -> None:
    text = "{ viewer { user { id } } }"
    documents.get(text + " " * (MAX_CHARACTERS - len(text)))
    for long in (text + " " * MAX_CHARACTERS, "{" * 10_000_000):
        assert code(documents, long) == ErrorCode.QUERY_TOO_COMPLEX


def test_too_many_tokens_are_refused(documents: Documents) -> None:
    assert "tokens" in refusal(documents, "{" + "a " * 2_001 + "}")
    assert "tokens" in refusal(documents, "query (" + "$a: [ID] " * 400 + ") { __typename }")


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
    with pytest.raises(Invalid) as refused:
        documents.get(cycle)
    assert any("within itself" in error.message for error in refused.value.errors)


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
    text = bomb(40, one_use)
    assert str(f"{MAX_FIELDS:,}") in refusal(documents, text)
    assert code(documents, text) == ErrorCode.QUERY_TOO_COMPLEX


def test_what_fragments_ask_for_is_counted_wherever_they_are_used(documents: Documents) -> None:
    # 3 + 2 * (3 + 2 * (3 + ...)): the message's field and the innermost ones beside.
    documents.get(
        bomb(8, "a: channel {{ ...X }} parent {{ ...{0}{1} }} p: parent {{ ...{0}{1} }}")
        + " fragment X on Channel { id }"
    )
    text = bomb(10, "a: channel {{ ...X }} parent {{ ...{0}{1} }} p: parent {{ ...{0}{1} }}")
    assert code(documents, text + " fragment X on Channel { id }") == ErrorCode.QUERY_TOO_COMPLEX


@pytest.mark.parametrize(
    "later", ["{{ a{}: __typename }}", "{{ a{}: nonsense }}", "{{ a{}: nonsense("]
)
def test_of_many_documents_only_so_many_are_kept(
    monkeypatch: pytest.MonkeyPatch, later: str
) -> None:
    monkeypatch.setattr(schema.documents, "KEPT_CHARACTERS", 1_000)
    documents = Documents(graphql_schema(), introspection=True)
    first = documents.get("{ __typename }")
    for number in range(10):
        with contextlib.suppress(Invalid):
            documents.get(later.format(number))
    assert documents.get("{ __typename }") is first
    for number in range(100):
        with contextlib.suppress(Invalid):
            documents.get(later.format(number))
    assert documents.get("{ __typename }") is not first


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
    assert "introspection" in refusal(secret, text).lower()
    secret.get("{ __typename }")
