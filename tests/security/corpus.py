"""Hostile requests: each is legal to send, small, and made to cost more than it does."""

from collections.abc import Callable
from typing import Any

from graphql import get_introspection_query

BAD = "BAD_USER_INPUT"
COMPLEX = "QUERY_TOO_COMPLEX"


def times(count: int, part: Callable[[int], str]) -> str:
    """The parts, numbered from zero."""
    return " ".join(map(part, range(count)))


def nested(count: int, opening: str, inside: str, closing: str) -> str:
    """Openings, the innermost part, closings."""
    return opening * count + inside + closing * count


def on_message(selection: str) -> str:
    """A query for a message."""
    return f"{{ message(id: 1) {{ {selection} }} }}"


def chain(length: int, use: str) -> str:
    """Fragments on a message, of which each uses the next."""
    fragments = times(
        length, lambda i: f"fragment F{i} on Message {{ {use.replace('NEXT', f'...F{i + 1}')} }}"
    )
    return f"{on_message('...F0')} {fragments} fragment F{length} on Message {{ id }}"


def everybody_uses(count: int, others: Callable[[int], range]) -> str:
    """Fragments of which each uses many others."""
    return "{ ...F0 } " + times(
        count,
        lambda i: (
            f"fragment F{i} on Query {{ __typename "
            + " ".join(f"...F{j}" for j in others(i))
            + " }"
        ),
    )


def branches(depth: int, width: int) -> str:
    """The same field again and again, on every level."""
    if depth == 0:
        return "id"
    return " ".join(f"parent {{ {branches(depth - 1, width)} }}" for _ in range(width))


PAGE = "messages(first: 100) { edges { node { channel {"
TYPES = "fields { type { "

DOCUMENTS: dict[str, tuple[str, str | None]] = {
    # Fragments
    "a fragment bomb": (chain(25, "NEXT NEXT"), COMPLEX),
    "a fragment bomb with fields": (chain(12, "a: parent { NEXT } b: parent { NEXT }"), COMPLEX),
    "a fragment bomb of one field": (chain(12, "parent { NEXT } parent { NEXT }"), COMPLEX),
    "a fragment bomb with nothing in it": (
        chain(25, "NEXT NEXT").replace("{ id }", "{ }"),
        COMPLEX,
    ),
    "a long chain of fragments": (chain(120, "NEXT"), COMPLEX),
    "a long chain that nobody uses": (
        chain(100, "NEXT").replace("...F0", "id"),
        COMPLEX,
    ),
    "a cycle": ("{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }", BAD),
    "a cycle below fields": (chain(5, "parent { NEXT }").replace("{ id }", "{ ...F0 }"), BAD),
    "fragments that use each other": (everybody_uses(6, lambda _: range(6)), BAD),
    "more fragments that use each other": (everybody_uses(20, lambda _: range(20)), COMPLEX),
    "fragments that use all later ones": (everybody_uses(19, lambda i: range(i + 1, 19)), COMPLEX),
    "fragments beside each other": (
        "{"
        + times(105, lambda i: f"...F{i}")
        + "}"
        + times(105, lambda i: f"fragment F{i} on Query {{ __typename }}"),
        COMPLEX,
    ),
    "many operations with many fragments": (
        times(40, lambda i: f"query Q{i} {{ ...F }}")
        + " fragment F on Query {"
        + times(75, lambda i: f"...F{i}")
        + "}"
        + times(75, lambda i: f"fragment F{i} on Query {{ __typename }}"),
        COMPLEX,
    ),
    "fragments that are not there": ("{" + times(190, lambda i: f"...F{i}") + "}", BAD),
    "too many that are not there": ("{" + times(490, lambda i: f"...F{i}") + "}", COMPLEX),
    # Many of one thing
    "ten thousand aliases": (
        "{" + times(10_000, lambda i: f"a{i}:viewer{{user{{id}}}}") + "}",
        COMPLEX,
    ),
    "as many aliases as there is room for": (
        "{" + times(330, lambda i: f"a{i}: __typename") + "}",
        COMPLEX,
    ),
    "one alias for different things": (
        "{" + times(50, lambda i: f"a: user(id: {i}) {{ id }}") + "}",
        BAD,
    ),
    "one field again and again": ("{ " + "__typename " * 990 + "}", COMPLEX),
    "one field with fields again and again": ("{ " + "viewer{user{id}} " * 140 + "}", COMPLEX),
    "one field below itself": (on_message(branches(4, 4)), COMPLEX),
    "one field twice on many levels": (on_message(branches(7, 2)), COMPLEX),
    "one field in many types": (
        "subscription { channelEvents(channelId: 1) {"
        + "... on MessageSent { message { id } } " * 108
        + "} }",
        COMPLEX,
    ),
    "a flood of directives": ("{ __typename " + "@include(if: true) " * 160 + "}", COMPLEX),
    "a flood of directives that are none": ("{ __typename " + "@a" * 490 + " }", COMPLEX),
    "directives everywhere": ("{" + "__typename @skip(if: true) " * 140 + "}", COMPLEX),
    "fields that are not there": ("{" + times(990, lambda i: f"viewr{i}") + "}", BAD),
    "arguments that are not there": (
        "{ user(" + times(325, lambda i: f"a{i}: 1") + ") { id } }",
        BAD,
    ),
    "input fields that are not there": (
        "mutation { createChannel(input: {"
        + times(320, lambda i: f"a{i}: 1")
        + "}) { channel { id } } }",
        BAD,
    ),
    "an input field again and again": (
        "mutation { createChannel(input: {" + 'name: "a" ' * 320 + "}) { channel { id } } }",
        BAD,
    ),
    "variables for nothing": (
        "query (" + times(195, lambda i: f"$a{i}: Int") + ") { __typename }",
        BAD,
    ),
    "types that are not there": (
        "query (" + times(195, lambda i: f"$a{i}: Channl") + ") { __typename }",
        BAD,
    ),
    "variables that are not there": (
        "mutation { openDirectMessage(userIds: [" + "$a " * 485 + "]) { channel { id } } }",
        BAD,
    ),
    "operations of one name": ("query A { __typename } " * 198, BAD),
    "operations without a name": ("{ __typename } " * 330, BAD),
    "fragments of one name": ("{ __typename } " + "fragment A on Query { __typename } " * 140, BAD),
    "types and schemas": ("type A { a: Int } extend schema @a " * 89, BAD),
    # Depth
    "deep lists": ("{ user(id: " + "[" * 19_000, COMPLEX),
    "deep lists that end": ("{ user(id: " + nested(700, "[", "", "]") + ") { id } }", COMPLEX),
    "lists as deep as can be": ("{ user(id: " + nested(150, "[", "1", "]") + ") { id } }", BAD),
    "deep objects": ("{ user(id: " + nested(300, "{a:", "1", "}") + ") { id } }", COMPLEX),
    "deep types": ("query ($a: " + nested(700, "[", "ID", "]") + ") { __typename }", COMPLEX),
    "deep fields": (on_message(nested(400, "parent { ", "id", " }")), COMPLEX),
    "fields a bit too deep": (on_message(nested(30, "parent { ", "id", " }")), COMPLEX),
    "deep fragments": ("{" + nested(400, "... { ", "__typename", " }") + "}", COMPLEX),
    "braces": ("{" * 19_990, BAD),
    # Pages
    "pages in pages": ("{ channel(id: 1) {" + nested(3, PAGE, "id", " } } } }") + "} }", COMPLEX),
    "an introspection loop": (
        "{ __schema { types { " + nested(12, TYPES, "name", " } }") + " } } }",
        BAD,
    ),
    "a deep introspection loop": (
        "{ __schema { types { " + nested(100, TYPES, "name", " } }") + " } } }",
        COMPLEX,
    ),
    "the whole schema many times": (
        get_introspection_query(descriptions=False).replace(
            "__schema {",
            times(20, lambda i: f"a{i}: __schema {{ types {{ ...FullType }} }}") + " __schema {",
        ),
        COMPLEX,
    ),
    # Size
    "a long text": ("#" * 100_000 + "\n{ __typename }", COMPLEX),
    "comments": ("#\n" * 9_900 + "{ __typename }", COMPLEX),
    "a long name": ("{" + "a" * 19_900 + "}", BAD),
    "a long string": ('{ user(id: "' + "a" * 19_900 + '") { id } }', None),
    "a long block of lines": ('mutation { setTyping(channelId: """' + "\n a" * 6_000, BAD),
    "a string of escapes": (
        '{ users(search: "' + "\\u0041" * 3_300 + '") { edges { cursor } } }',
        BAD,
    ),
    "a number of many digits": ("{ users(first: " + "9" * 19_900 + ") { edges { cursor } } }", BAD),
    "a real number of many digits": (
        "{ users(first: 1e" + "9" * 19_900 + ") { __typename } }",
        BAD,
    ),
    "a value that is shown in errors": (
        "{" + ("user(id: [" + "1 " * 110 + "]) { id } ") * 8 + "}",
        BAD,
    ),
}
"""A document by what it is, and the code of its refusal; None for one that is answered."""

DIRECT = "mutation ($ids: [ID!]!) { openDirectMessage(userIds: $ids) { channel { id } } }"
CREATE = (
    "mutation ($input: CreateChannelInput!) { createChannel(input: $input) { channel { id } } }"
)
SEARCH = (
    "query ($text: String, $after: String) { users(search: $text, after: $after) { __typename } }"
)

Requests = dict[str, tuple[str, dict[str, Any], str]]

VARIABLES: Requests = {
    "many ids": (DIRECT, {"ids": [1] * 400_000}, BAD),
    "many wrong ids": (DIRECT, {"ids": [{}] * 300_000}, BAD),
    "a thousand wrong ids": (DIRECT, {"ids": [1.5] * 1_000}, BAD),
    "lists of lists": (DIRECT, {"ids": [[1] * 900] * 300}, COMPLEX),
    "many ids deep inside": (CREATE, {"input": {"name": "a", "memberIds": [1] * 300_000}}, BAD),
    "many input fields": (CREATE, {"input": {f"a{i}": 1 for i in range(60_000)}}, COMPLEX),
    "wrong input fields": (CREATE, {"input": {f"a{i}": 1 for i in range(1_900)}}, BAD),
    "many variables": (SEARCH, {f"a{i}": 1 for i in range(60_000)}, COMPLEX),
    "a long string": (SEARCH, {"text": "a" * 900_000}, BAD),
    "a long string of signs": (SEARCH, {"text": "\U0001f600" * 240_000}, BAD),
    "a long string of nothing": (SEARCH, {"text": "\u200b" * 320_000}, BAD),
    "a long string of blanks and nothing": (SEARCH, {"text": " \u200b" * 240_000}, BAD),
    "a long cursor": (SEARCH, {"after": "a" * 900_000}, BAD),
    "a long name of a variable": (SEARCH, {"a" * 900_000: [1] * 1_001}, BAD),
}
"""A document with variables by what they are, and the code of its refusal."""
