"""A grammar of the whole schema: operations that might be asked, likely and unlikely ones.

It asks the schema itself, so that a field added tomorrow is asked for as well.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    is_leaf_type,
)

INJECTIONS = [
    "'; drop table messages; --",
    "' or '1'='1",
    "') or true --",
    "1; select pg_sleep(30)",
    "' || (select pg_sleep(30)) || '",
    "$1",
    "%",
    "_",
    "%' escape '",
    "\\",
    "a' & 'b | !(",
    "<-> :* & |",
    '{"$ne": null}',
    '{"$gt": ""}',
    '{"$where": "sleep(30000)"}',
    "$where",
    "sleep(30000) || true",
    "'; while (true) {} //",
    ".*",
    "^(a+)+$",
    "[a-z",
    "(?i)(((",
    "{}",
    "${7*7}{{7*7}}",
    "../../etc/passwd",
    "<script>alert(1)</script>",
]
"""Texts that mean something to PostgreSQL, MongoDB or whatever reads them carelessly."""

TEXTS = ["", " ", "a", "Hello @channel @here", "\u202e\u0000", "é" * 300, "\U0001f44d", "x" * 5_000]
SIZES = [1, 2, 5, 20, 50]
NUMBERS = [-1, 0, 1, 2, 5, 50, 100, 101, 2**31 - 1, -(2**31)]
TIMES = ["2026-11-20T09:30:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59+00:00", "tomorrow"]
JUNK: list[Any] = [None, True, 1.5, 2**70, [], {}, {"$ne": None}, [[]], {"a": {"b": []}}]
NOWHERE = ["01900000-0000-7000-8000-000000000000", "0123456789abcdef01234567", "nobody"]
DEEPEST = 7
KINDS_OF_IDS = {
    "user": ["user", "User", "member", "sender"],
    "channel": ["channel"],
    "message": ["message", "parent"],
    "attachment": ["attachment"],
}
"""What an id is of, by what stands in its argument's name."""


@dataclass
class Words:
    """What the one who asks knows of: the better it is, the further operations get."""

    ids: dict[str, list[str]] = field(default_factory=dict)
    """By what they are of: channel, message, user or attachment."""
    cursors: list[str] = field(default_factory=lambda: ["nonsense"])


@dataclass(frozen=True)
class Asked:
    """One operation."""

    kind: str
    query: str
    variables: dict[str, Any]


class Grammar:
    """Makes up operations; the same ones for the same ``random`` and words."""

    def __init__(self, schema: GraphQLSchema, random: Random, words: Words) -> None:
        self._schema = schema
        self._random = random
        self._words = words

    def operation(self) -> Asked:
        """Something that may be asked: valid as a rule, and sometimes with a wrong value."""
        kinds = ["query"] * 9 + ["mutation"] * 8 + ["subscription"] * 3
        kind = self._random.choice(kinds)
        root = getattr(self._schema, f"{kind}_type")
        self._variables: dict[str, Any] = {}
        self._declared: list[str] = []
        count = 1 if kind == "subscription" else self._random.choice([1, 1, 1, 2, 3])
        names = [self._random.choice(list(root.fields)) for _ in range(count)]
        selected = " ".join(
            f"a{number}: {self._field(name, root.fields[name], 1)}"
            for number, name in enumerate(names)
        )
        declared = f"({', '.join(self._declared)})" if self._declared else ""
        return Asked(kind, f"{kind} {declared} {{ {selected} }}", self._variables)

    def _field(self, name: str, definition: GraphQLField, depth: int) -> str:
        given = [
            f"{argument}: {self._given(name if argument == 'id' else argument, value)}"
            for argument, value in definition.args.items()
            if isinstance(value.type, GraphQLNonNull) or self._chance(0.5)
        ]
        type = get_named_type(definition.type)
        below = f" {self._selection(type, depth + 1)}" if is_composite_type(type) else ""
        return f"{name}{'(' + ', '.join(given) + ')' if given else ''}{below}"

    def _selection(self, type: GraphQLNamedType, depth: int) -> str:
        parts = ["__typename"]
        if is_abstract_type(type):
            parts += [
                f"... on {possible.name} {self._selection(possible, depth + 1)}"
                for possible in self._schema.get_possible_types(type)
            ]
        elif isinstance(type, GraphQLObjectType):
            names = list(type.fields)
            most = 12 if depth < 3 else 5
            for number, name in enumerate(self._random.sample(names, min(most, len(names)))):
                definition = type.fields[name]
                if depth >= DEEPEST and not is_leaf_type(get_named_type(definition.type)):
                    continue
                # Named anew: an object may be asked for twice with different arguments.
                alias = f"{name}{number}: " if definition.args else ""
                parts.append(alias + self._field(name, definition, depth))
        return "{ " + " ".join(parts) + " }"

    def _given(self, name: str, definition: GraphQLArgument) -> str:
        value = self.value(name, definition.type)
        if self._chance(0.5):
            variable = f"v{len(self._variables)}"
            self._variables[variable] = value
            self._declared.append(f"${variable}: {definition.type}")
            return f"${variable}"
        return literal(value, definition.type)

    def value(self, name: str, type: GraphQLInputType) -> Any:
        """Something to give for what has this name and type."""
        if self._chance(0.02):
            return self._random.choice(JUNK)
        if isinstance(type, GraphQLNonNull):
            return self.value(name, type.of_type)
        if isinstance(type, GraphQLList):
            return [
                self.value(name, type.of_type) for _ in range(self._random.choice([0, 1, 1, 3]))
            ]
        if isinstance(type, GraphQLInputObjectType):
            return {
                inner: self.value(inner, field.type)
                for inner, field in type.fields.items()
                if isinstance(field.type, GraphQLNonNull) or self._chance(0.4)
            }
        if isinstance(type, GraphQLEnumType):
            return self._random.choice(list(type.values))
        makers: dict[str, Callable[[], Any]] = {
            "ID": lambda: self._id(name),
            "Int": lambda: self._random.choice(SIZES if self._chance(0.8) else NUMBERS),
            "Float": lambda: self._random.choice([0.0, -1.5, 1e300]),
            "Boolean": lambda: self._chance(0.5),
            "DateTime": lambda: self._random.choice(TIMES),
            "String": lambda: self._text(name),
        }
        return makers[type.name]()

    def _text(self, name: str) -> str:
        if name in ("after", "before") and self._chance(0.9):
            return self._random.choice(self._words.cursors)
        if name == "emoji" and self._chance(0.8):
            return "\U0001f44d"
        if name == "mimeType" and self._chance(0.8):
            return "image/png"
        return self._random.choice([*TEXTS, *INJECTIONS, *NOWHERE])

    def _id(self, name: str) -> str:
        if self._chance(0.1):
            return self._random.choice(NOWHERE)
        of = [kind for kind, names in KINDS_OF_IDS.items() if any(part in name for part in names)]
        kind = of[0] if of and self._chance(0.95) else self._random.choice(list(self._words.ids))
        return self._random.choice(self._words.ids[kind])

    def _chance(self, share: float) -> bool:
        return self._random.random() < share


def literal(value: Any, type: GraphQLInputType | None) -> str:
    """The value as it stands in a document, as far as the type is known."""
    if isinstance(type, GraphQLNonNull):
        return literal(value, type.of_type)
    if isinstance(value, list):
        inner = type.of_type if isinstance(type, GraphQLList) else type
        return f"[{', '.join(literal(item, inner) for item in value)}]"
    if isinstance(value, dict):
        fields: dict[str, GraphQLInputField] = (
            type.fields if isinstance(type, GraphQLInputObjectType) else {}
        )
        named = {
            name.replace("$", "_"): literal(item, fields[name].type if name in fields else None)
            for name, item in value.items()
        }
        return "{" + ", ".join(f"{name}: {item}" for name, item in named.items()) + "}"
    if isinstance(type, GraphQLEnumType) and isinstance(value, str):
        return value
    return json.dumps(value)


def everything(schema: GraphQLSchema, type: GraphQLNamedType, levels: int = 3) -> str:
    """A selection of all there is without arguments, so many levels deep."""
    parts = ["__typename"]
    if isinstance(type, GraphQLObjectType):
        for name, definition in type.fields.items():
            below = get_named_type(definition.type)
            if is_leaf_type(below):
                parts.append(name)
            elif levels > 1 and not definition.args:
                parts.append(f"{name} {everything(schema, below, levels - 1)}")
    return "{ " + " ".join(parts) + " }"
