"""Records of every type of the schema, made up as they are asked for.

What a field gives is decided by its place in the answer and by its arguments alone, so that
whoever asks again is told the same: a value, another kind of value than was promised, null, a
promise of one of these, or an error.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from random import Random
from typing import Any

import pytest
from graphql import (
    GraphQLAbstractType,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLUnionType,
    get_named_type,
)

from schema import graphql_schema
from schema.fields import DEFINITION, look_of
from storage.errors import ErrorCode, Refusal

SUBSCRIPTION: Any = graphql_schema().subscription_type

SCALARS: dict[str, Callable[[Random], Any]] = {
    "ID": lambda dice: f"id {dice.randrange(100)}",
    "String": lambda dice: dice.choice(("", "a word", "Ünï ☃ \U0001f44d", '"quoted"\n')),
    "Int": lambda dice: dice.choice((0, 1, -1, 2**31 - 1, -(2**31))),
    "Boolean": lambda dice: dice.random() < 0.5,
    "DateTime": lambda dice: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=dice.random()),
}

# Some of them graphql-core takes for what was promised: 1.0 is an Int, and 3 an ID.
WRONG: tuple[Any, ...] = (
    *(None, None, True, 3, 1.0, 1.5, 2**31, "", "a word", "2026-01-01", b"bytes", [], [None]),
    *((), {}, datetime(2026, 1, 1), object()),  # noqa: DTZ001
)

ERRORS: tuple[Callable[[], Exception], ...] = (
    lambda: Refusal(ErrorCode.FORBIDDEN, "You may not."),
    lambda: Refusal(ErrorCode.BAD_USER_INPUT, "This is wrong.", field="first"),
    lambda: AssertionError("nobody thought of that"),
    lambda: AttributeError("there is no such thing"),
    lambda: KeyError("nor this"),
)


@dataclass(frozen=True)
class Tale:
    """How records are made up, and how often not as they should be."""

    seed: int
    trouble: float = 0.0
    """Of all fields, those that give an error or a value that is wrong."""
    late: float = 0.0
    """Of those that may, how many give a promise."""
    nothing: float = 0.2
    """Of those that may be null or empty, how many are."""
    member: int | None = None
    """Which type of an interface or a union they have; None for any."""

    def root(self, type: GraphQLObjectType) -> "Thing":
        """What the fields of an operation are asked of."""
        return Thing(self, type, type.name)

    def event(self, field: GraphQLField) -> Any:
        """What a subscription tells of."""
        return self.root(SUBSCRIPTION)._value(field.type, Random(f"{self.seed}"), "event")


class Thing:
    """A record; its attributes are named as Python has them."""

    def __init__(self, tale: Tale, type: GraphQLObjectType, place: str) -> None:
        self._tale = tale
        self._type = type
        self._place = place
        self._fields = _fields_of(type)

    def __getattr__(self, name: str) -> Any:
        if name not in self._fields:
            raise AttributeError(name)
        return self._given(name, {})

    def answer(self, name: str, arguments: dict[str, Any]) -> Any:
        """What a field that is found out gives, now or later. Raises what it may raise."""
        dice = self._dice(name, arguments, "when")
        if dice.random() >= self._tale.late:
            return self._given(name, arguments)
        promise = self._promised(name, arguments, dice.randrange(3))
        return promise if dice.random() < 0.5 else asyncio.ensure_future(promise)

    async def _promised(self, name: str, arguments: dict[str, Any], turns: int) -> Any:
        for _ in range(turns):
            await asyncio.sleep(0)
        return self._given(name, arguments)

    def _given(self, name: str, arguments: dict[str, Any]) -> Any:
        dice = self._dice(name, arguments)
        if dice.random() < self._tale.trouble and dice.random() < 0.5:
            raise dice.choice(ERRORS)()
        return self._value(self._fields[name].type, dice, f"{self._place}.{name}{arguments}")

    def _dice(self, *what: Any) -> Random:
        return Random(f"{self._tale.seed} {self._place} {what}")

    def _value(self, type: GraphQLOutputType, dice: Random, place: str) -> Any:
        if dice.random() < self._tale.trouble:
            return dice.choice(WRONG)
        if isinstance(type, GraphQLNonNull):
            return self._present(type.of_type, dice, place)
        return None if dice.random() < self._tale.nothing else self._present(type, dice, place)

    def _present(self, type: GraphQLOutputType, dice: Random, place: str) -> Any:
        if isinstance(type, GraphQLList):
            count = 0 if dice.random() < self._tale.nothing else dice.randint(1, 2)
            return [self._value(type.of_type, dice, f"{place}[{at}]") for at in range(count)]
        if isinstance(type, GraphQLInterfaceType | GraphQLUnionType):
            types = graphql_schema().get_possible_types(type)
            member = self._tale.member
            type = dice.choice(types) if member is None else types[member]
        if isinstance(type, GraphQLObjectType):
            return Thing(self._tale, type, place)
        if isinstance(type, GraphQLEnumType):
            return dice.choice([*type.values])
        return SCALARS[get_named_type(type).name](dice)


@cache
def _fields_of(type: GraphQLObjectType) -> dict[str, GraphQLField]:
    return {field.extensions[DEFINITION].python_name: field for field in type.fields.values()}


def _type_of(value: Any) -> str | None:
    return value._type.name if isinstance(value, Thing) else None


@contextmanager
def everything_made_up() -> Iterator[Callable[[Thing], None]]:
    """Every field of the schema gives what a ``Thing`` says, those of queries and mutations what
    the one says that was named last: call what this yields.
    """
    schema = graphql_schema()
    roots = {schema.query_type, schema.mutation_type}
    root: list[Thing] = []

    def at_root(name: str, /, *_: Any, **arguments: Any) -> Any:
        return root[-1].answer(name, arguments)

    def inside(name: str, thing: Thing, _: Any, /, **arguments: Any) -> Any:
        return thing.answer(name, arguments)

    def look(ours: Any) -> Callable[..., Any] | None:
        return partial(inside, ours.python_name) if look_of(ours) else None

    def is_one(name: str, value: Any, _: Any) -> bool:
        return _type_of(value) == name

    def kind_of(value: Any, *_: Any) -> str | None:
        return _type_of(value)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("execution.plans.look_of", look)
        for type in schema.type_map.values():
            ours = type.extensions.get(DEFINITION)
            if isinstance(type, GraphQLAbstractType):
                patch.setattr(type, "resolve_type", kind_of)
                if isinstance(type, GraphQLInterfaceType) and ours and ours.resolve_type:
                    patch.setattr(ours, "resolve_type", kind_of)
            if not isinstance(type, GraphQLObjectType) or ours is None:
                continue
            if type.is_type_of:
                patch.setattr(type, "is_type_of", partial(is_one, type.name))
            if ours.is_type_of:
                patch.setattr(ours, "is_type_of", partial(is_one, type.name))
            if type is SUBSCRIPTION:
                continue
            for field in type.fields.values():
                name = field.extensions[DEFINITION].python_name
                if type in roots:
                    patch.setattr(field, "resolve", partial(at_root, name))
                elif field.extensions[DEFINITION].base_resolver is not None:
                    patch.setattr(field, "resolve", partial(inside, name))
        yield root.append
