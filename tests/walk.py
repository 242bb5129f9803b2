"""A walk through the schema: every place where a client gives a value.

It asks the schema itself, so that an argument added tomorrow is tried as well.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLUnionType,
    get_named_type,
    get_nullable_type,
    is_composite_type,
    is_required_argument,
    is_required_input_field,
)

from schema import graphql_schema

Examples = dict[str, Any]
"""Good values: by "field.argument", by the argument's name, or by its type's name."""


@dataclass(frozen=True)
class Step:
    """A field on the way from the root."""

    name: str
    field: GraphQLField


@dataclass(frozen=True)
class Place:
    """A value that is no object itself: an argument, or a field somewhere in one."""

    operation: str
    """query, mutation or subscription"""
    steps: tuple[Step, ...]
    argument: tuple[str, ...]
    """The argument and the names of the input fields inside it."""
    type: str
    is_list: bool
    is_required: bool

    @property
    def name(self) -> str:
        """What an error must call it."""
        return self.argument[-1]

    def __str__(self) -> str:
        """For the names of tests."""
        return ".".join([*(step.name for step in self.steps), *self.argument])

    def valued(self, examples: Examples, value: Any) -> dict[str, Any]:
        """The arguments of the last field: good ones, but for ``value`` at this place.

        In a list the value is the last of two, the first of them good.
        """
        last = self.steps[-1]
        arguments = _arguments(last, examples)
        if self.is_list and not isinstance(value, list):
            value = [*_listed(_example(last, self.name, self.type, examples)), value]
        outer, *inner = self.argument
        whole = arguments.setdefault(outer, {}) if inner else arguments
        for name in inner[:-1]:
            whole = whole.setdefault(name, {})
        whole[self.name] = value
        return arguments

    def by_variable(self, examples: Examples, value: Any) -> tuple[str, dict[str, Any]]:
        """An operation with this value at this place, and its variables."""
        variables: dict[str, Any] = {}
        declared: list[str] = []
        fields: list[str] = []
        for depth, step in enumerate(self.steps):
            is_last = depth == len(self.steps) - 1
            given = self.valued(examples, value) if is_last else _arguments(step, examples)
            passed = []
            for name, argument in given.items():
                variables[f"{name}{depth}"] = argument
                declared.append(f"${name}{depth}: {step.field.args[name].type}")
                passed.append(f"{name}: ${name}{depth}")
            fields.append(f"{step.name}({', '.join(passed)})" if passed else step.name)
        head = f"({', '.join(declared)}) " if declared else ""
        return f"{self.operation} {head}{{ {self._nested(fields)} }}", variables

    def by_literal(self, examples: Examples, value: Any) -> str:
        """The same with every value in the document."""
        fields = []
        for depth, step in enumerate(self.steps):
            is_last = depth == len(self.steps) - 1
            given = self.valued(examples, value) if is_last else _arguments(step, examples)
            passed = [
                f"{name}: {_literal(argument, step.field.args[name])}"
                for name, argument in given.items()
            ]
            fields.append(f"{step.name}({', '.join(passed)})" if passed else step.name)
        return f"{self.operation} {{ {self._nested(fields)} }}"

    def _nested(self, fields: list[str]) -> str:
        leaf = (
            " { __typename }"
            if is_composite_type(get_named_type(self.steps[-1].field.type))
            else ""
        )
        return " { ".join(fields) + leaf + " }" * (len(fields) - 1)


def places() -> list[Place]:
    """Every place of the schema, each field reached by one of the shortest ways."""
    schema = graphql_schema()
    roots = {
        "query": schema.query_type,
        "mutation": schema.mutation_type,
        "subscription": schema.subscription_type,
    }
    found: list[Place] = []
    seen: set[str] = set()
    for operation, root in roots.items():
        assert root is not None
        waiting: list[tuple[GraphQLObjectType, tuple[Step, ...]]] = [(root, ())]
        while waiting:
            type, way = waiting.pop(0)
            if type.name in seen:
                continue
            seen.add(type.name)
            for name, field in type.fields.items():
                steps = (*way, Step(name, field))
                found += [
                    Place(operation, steps, *leaf)
                    for argument, definition in field.args.items()
                    for leaf in _leaves((argument,), definition, is_required_argument(definition))
                ]
                below = get_named_type(field.type)
                if isinstance(below, GraphQLObjectType) and operation == "query":
                    waiting.append((below, steps))
    return found


def root_fields(operation: str) -> list[str]:
    """The names of all queries, mutations or subscriptions."""
    return list(_root(operation).fields)


def whole(
    operation: str,
    name: str,
    examples: Examples,
    page: int = 5,
    given: tuple[Place, Any] | None = None,
    keep: Callable[[GraphQLField], bool] = lambda _: True,
) -> str:
    """An operation of this root field that asks for every field of every type it leads to, and
    for ``page`` rows of each list: what leads back to itself once in full, and wherever it comes
    again for what is plain in it. ``given`` is a value for a place besides, wherever that comes;
    ``keep`` says which fields below the root to ask for, where not for all.
    """
    walk = _Whole(examples, page, given, keep)
    selected = walk.field(Step(name, _root(operation).fields[name]))
    return " ".join([f"{operation} {{ {selected} }}", *walk.fragments.values()])


def _root(operation: str) -> GraphQLObjectType:
    schema = graphql_schema()
    root: GraphQLObjectType | None = getattr(schema, f"{operation}_type")
    assert root is not None
    return root


class _Whole:
    def __init__(
        self,
        examples: Examples,
        page: int,
        given: tuple[Place, Any] | None,
        keep: Callable[[GraphQLField], bool],
    ) -> None:
        self._examples = examples
        self._page = page
        self._given = given
        self._keep = keep
        self._seen: set[str] = set()
        self.fragments: dict[str, str] = {}

    def field(self, step: Step) -> str:
        given = _arguments(step, self._examples)
        if self._given and self._given[0].steps[-1].field is step.field:
            given = self._given[0].valued(self._examples, self._given[1])
        sizes = [name for name in ("last", "first") if name in step.field.args]
        given |= dict.fromkeys(sizes[:1], self._page)
        passed = ", ".join(
            f"{name}: {_literal(value, step.field.args[name])}" for name, value in given.items()
        )
        type = get_named_type(step.field.type)
        below = f" {{ {self._selection(type)} }}" if is_composite_type(type) else ""
        return f"{step.name}({passed}){below}" if passed else step.name + below

    def _selection(self, type: GraphQLNamedType) -> str:
        if isinstance(type, GraphQLUnionType | GraphQLInterfaceType):
            kinds = graphql_schema().get_possible_types(type)
            each = (f"... on {kind.name} {{ {self._selection(kind)} }}" for kind in kinds)
            return " ".join(["__typename", *each])
        assert isinstance(type, GraphQLObjectType)
        if type.name.endswith(("Connection", "Edge", "Payload")):
            return self._fields(type)
        if type.name not in _leading_to(type):
            return self._fragment(f"All{type.name}", type)
        if type.name in self._seen:
            return self._fragment(f"Plain{type.name}", type, plain=True)
        self._seen.add(type.name)
        return self._fields(type)

    def _fragment(self, name: str, type: GraphQLObjectType, *, plain: bool = False) -> str:
        if name not in self.fragments:
            fields = self._fields(type, plain=plain)
            self.fragments[name] = f"fragment {name} on {type.name} {{ {fields} }}"
        return f"...{name}"

    def _fields(self, type: GraphQLObjectType, *, plain: bool = False) -> str:
        steps = [Step(name, field) for name, field in type.fields.items() if self._keep(field)]
        if plain:
            steps = [s for s in steps if not is_composite_type(get_named_type(s.field.type))]
        return " ".join(["__typename", *map(self.field, steps)])


def _leading_to(type: GraphQLObjectType) -> set[str]:
    """The names of the types that its fields, and theirs, lead to."""
    found: set[str] = set()
    waiting: list[GraphQLNamedType] = [type]
    while waiting:
        here = waiting.pop()
        kinds: list[GraphQLNamedType] = [here]
        if isinstance(here, GraphQLUnionType | GraphQLInterfaceType):
            kinds += graphql_schema().get_possible_types(here)
        for kind in kinds:
            fields = kind.fields if isinstance(kind, GraphQLObjectType) else {}
            for field in fields.values():
                below = get_named_type(field.type)
                if is_composite_type(below) and below.name not in found:
                    found.add(below.name)
                    waiting.append(below)
    return found


def _leaves(
    path: tuple[str, ...], definition: GraphQLArgument | GraphQLInputField, is_required: bool
) -> Iterator[tuple[tuple[str, ...], str, bool, bool]]:
    type = get_named_type(definition.type)
    if isinstance(type, GraphQLInputObjectType):
        for name, field in type.fields.items():
            yield from _leaves((*path, name), field, is_required and is_required_input_field(field))
    else:
        is_list = isinstance(get_nullable_type(definition.type), GraphQLList)
        yield path, type.name, is_list, is_required


def _arguments(step: Step, examples: Examples) -> dict[str, Any]:
    """Good values for what a field must be given."""
    return {
        name: _good(step, name, argument, examples)
        for name, argument in step.field.args.items()
        if is_required_argument(argument)
    }


def _good(
    step: Step, name: str, definition: GraphQLArgument | GraphQLInputField, examples: Examples
) -> Any:
    type = get_named_type(definition.type)
    if isinstance(type, GraphQLInputObjectType):
        return {
            inner: _good(step, inner, field, examples)
            for inner, field in type.fields.items()
            if is_required_input_field(field)
        }
    value = _example(step, name, type.name, examples)
    return _listed(value) if isinstance(get_nullable_type(definition.type), GraphQLList) else value


def _example(step: Step, name: str, type: str, examples: Examples) -> Any:
    for key in (f"{step.name}.{name}", name, type):
        if key in examples:
            return examples[key]
    enum = graphql_schema().type_map[type]
    assert isinstance(enum, GraphQLEnumType), f"say what a good {step.name}({name}: {type}) is"
    return next(iter(enum.values))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _literal(value: Any, definition: GraphQLArgument | GraphQLInputField) -> str:
    type = get_named_type(definition.type)
    if isinstance(value, list):
        return f"[{', '.join(_literal(item, definition) for item in value)}]"
    if isinstance(value, dict):
        fields = type.fields if isinstance(type, GraphQLInputObjectType) else {}
        inner = [
            f"{name}: {_literal(item, fields.get(name, definition))}"
            for name, item in value.items()
        ]
        return f"{{{', '.join(inner)}}}"
    if isinstance(type, GraphQLEnumType) and value in type.values:
        return str(value)
    return json.dumps(value)
