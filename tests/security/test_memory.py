"""Documents that nobody uses twice take no memory and no place."""

import contextlib
import gc
import tracemalloc
from collections.abc import Callable

import pytest

import schema.documents
from schema import graphql_schema
from schema.documents import KEPT_CHARACTERS, NEW_CHARACTERS, Documents, Invalid
from storage.errors import Refusal
from tests.security.corpus import times

KINDS: dict[str, Callable[[int], str]] = {
    "without end": lambda i: f"{{ a{i}(",
    "with fields that are not there": lambda i: "{" + times(100, lambda j: f"a{i}_{j}") + "}",
    "too deep": lambda i: f"query Q{i} {{" + "... {" * 40 + "__typename" + "}" * 41,
    "of too many fields": lambda i: (
        f"query Q{i} {{ ...A }} fragment A on Query {{ ...B ...B }} fragment B on Query {{"
        + "viewer { user { id } } " * 100
        + "}"
    ),
    "that are right": lambda i: "{" + times(90, lambda j: f"a{i}_{j}: __typename") + "}",
}
BYTES = 250
"""What a character takes of memory, parsed and understood, where every second one is a word."""


def send(documents: Documents, text: str) -> None:
    with contextlib.suppress(Invalid, Refusal):
        documents.get(text)


@pytest.mark.parametrize("kind", KINDS)
def test_new_documents_take_no_more_memory_than_there_is_for_them(
    monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(schema.documents, "NEW_CHARACTERS", 8_000)
    documents = Documents(graphql_schema(), introspection=True)
    sizes = []
    tracemalloc.start()
    try:
        # The first ones fill the room for new documents and the caches of libraries.
        for number in range(24):
            if number % 8 == 0:
                gc.collect()
                sizes.append(tracemalloc.get_traced_memory()[0])
            send(documents, KINDS[kind](1_000 + number))
        documents.get("{ __typename }")
        gc.collect()
        sizes.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert sizes[1] - sizes[0] < 8_000 * BYTES
    # One of them would be as much.
    assert sizes[3] - sizes[2] < 100_000


def test_new_documents_replace_none_that_is_in_use() -> None:
    documents = Documents(graphql_schema(), introspection=True)
    used = [f"{{ a{number}: __typename }}" for number in range(20)]
    first = [documents.get(text) for text in used]
    assert [documents.get(text) for text in used] == first
    for number in range((NEW_CHARACTERS + KEPT_CHARACTERS) // 19_000 + 1):
        documents.get(f"{{ b{number}: __typename }} #" + "x" * 19_000)
    assert all(documents.get(text) is known for text, known in zip(used, first, strict=True))


def test_wrong_documents_replace_none_that_are_new() -> None:
    documents = Documents(graphql_schema(), introspection=True)
    first = documents.get("{ __typename }")
    for number in range(NEW_CHARACTERS // 19_000 + 1):
        send(documents, f"{{ b{number} }} #" + "x" * 19_000)
    assert documents.get("{ __typename }") is first
