"""Documents written at random from the schema itself, in every way in which one may be written.

Fields with and without aliases and arguments, the same field more than once, fragments with and
without a name or a type, on each member of an interface or a union, ``@skip`` and ``@include``,
values in place and by variables.
"""

import json
from dataclasses import dataclass, field
from random import Random
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLUnionType,
    get_named_type,
    is_composite_type,
    is_required_argument,
    is_required_input_field,
)

from schema import graphql_schema

BOOLEAN = GraphQLNonNull(GraphQLBoolean)

DEPTH = 5
"""Fields inside each other; what is deeper are leaves."""


@dataclass
class Written:
    """A document of one operation, and its variables."""

    dice: Random
    text: str = ""
    variables: dict[str, Any] = field(default_factory=dict)
    _declared: list[str] = field(default_factory=list)
    _fragments: dict[str, list[str]] = field(default_factory=dict)
    _texts: list[str] = field(default_factory=list)
    _aliases: dict[str, str] = field(default_factory=dict)

    @classmethod
    def at_random(cls, dice: Random) -> "Written":
        """One of a query, a mutation or a subscription."""
        operation = dice.choice(("query", "query", "mutation", "subscription"))
        root: GraphQLObjectType = getattr(graphql_schema(), f"{operation}_type")
        written = cls(dice)
        # A subscription has one field at its root, without directives.
        fields = [
            written._field(name, root.fields[name], DEPTH)
            for name in dice.sample([*root.fields], 1 if operation == "subscription" else 2)
        ]
        head = f"({', '.join(written._declared)})" if written._declared else ""
        written.text = " ".join([f"{operation} {head} {{ {' '.join(fields)} }}", *written._texts])
        return written

    def _selections(self, type: GraphQLNamedType, depth: int) -> str:
        dice = self.dice
        parts = ["__typename"] * dice.randint(0, 1)
        if isinstance(type, GraphQLObjectType | GraphQLInterfaceType):
            names = [
                name
                for name, field in type.fields.items()
                if depth or not is_composite_type(get_named_type(field.type))
            ]
            # Few fields have arguments.
            likely = [name for name in names for _ in range(4 if type.fields[name].args else 1)]
            parts += [
                self._field(name, type.fields[name], depth, self._directives())
                for name in dice.choices(likely, k=dice.randint(1, 4) if likely else 0)
            ]
        fragments = 3 if isinstance(type, GraphQLUnionType | GraphQLInterfaceType) else 1
        if depth:
            parts += [self._spread(type, depth) for _ in range(dice.randint(0, fragments))]
        dice.shuffle(parts)
        return f"{{ {' '.join(parts or ['__typename'])} }}"

    def _spread(self, type: GraphQLNamedType, depth: int) -> str:
        dice = self.dice
        condition = dice.choice([type, *_narrower(type)])
        if dice.random() < 0.5:
            on = "" if condition is type and dice.random() < 0.5 else f" on {condition.name}"
            return f"...{on}{self._directives()} {self._selections(condition, depth - 1)}"
        known = self._fragments.setdefault(condition.name, [])
        if known and dice.random() < 0.3:
            name = dice.choice(known)
        else:
            selections = self._selections(condition, depth - 1)
            name = f"F{len(self._texts)}"
            self._texts.append(f"fragment {name} on {condition.name} {selections}")
            known.append(name)
        return f"...{name}{self._directives()}"

    def _field(self, name: str, definition: GraphQLField, depth: int, directives: str = "") -> str:
        dice = self.dice
        given = [
            f"{argument}: {self._argument(wanted)}"
            for argument, wanted in definition.args.items()
            if is_required_argument(wanted) or dice.random() < 0.5
        ]
        asked = f"{name}({', '.join(given)})" if given else name
        # What is asked for in other words stands under another name.
        if given or dice.random() < 0.2:
            asked = f"{self._aliases.setdefault(asked, f'a{len(self._aliases)}')}: {asked}"
        type = get_named_type(definition.type)
        below = self._selections(type, depth - 1) if is_composite_type(type) else ""
        return f"{asked}{directives} {below}"

    def _directives(self) -> str:
        dice = self.dice
        written = ""
        for name in ("skip", "include"):
            if dice.random() < 0.1:
                value = dice.random() < 0.5
                literal = dice.random() < 0.5
                said = str(value).lower() if literal else self._variable(BOOLEAN, value)
                written += f" @{name}(if: {said})"
        return written

    def _argument(self, definition: GraphQLArgument) -> str:
        value = self._value(definition.type)
        if self.dice.random() < 0.3:
            return self._variable(definition.type, value)
        return _literal(definition.type, value)

    def _variable(self, type: GraphQLInputType, value: Any) -> str:
        dice = self.dice
        name = f"v{len(self._declared)}"
        if dice.random() < 0.3:
            self._declared.append(f"${name}: {type} = {_literal(type, value)}")
        else:
            self._declared.append(f"${name}: {type}")
            self.variables[name] = value
        return f"${name}"

    def _value(self, type: GraphQLInputType) -> Any:
        dice = self.dice
        if isinstance(type, GraphQLNonNull):
            type = type.of_type
        elif dice.random() < 0.1:
            return None
        if isinstance(type, GraphQLList):
            return [self._value(type.of_type) for _ in range(dice.randrange(3))]
        if isinstance(type, GraphQLInputObjectType):
            return {
                name: self._value(field.type)
                for name, field in type.fields.items()
                if is_required_input_field(field) or dice.random() < 0.5
            }
        if isinstance(type, GraphQLEnumType):
            return dice.choice([*type.values])
        return {
            "Int": dice.randrange(3),
            "Boolean": dice.random() < 0.5,
            "DateTime": "2026-11-20T09:30:00Z",
        }.get(get_named_type(type).name, dice.choice(("", "a word")))


def _narrower(type: GraphQLNamedType) -> list[GraphQLNamedType]:
    """The types that a fragment may be on besides."""
    if isinstance(type, GraphQLInterfaceType | GraphQLUnionType):
        return [*graphql_schema().get_possible_types(type)]
    return [*type.interfaces] if isinstance(type, GraphQLObjectType) else []


def _literal(type: GraphQLInputType, value: Any) -> str:
    if isinstance(type, GraphQLNonNull):
        return _literal(type.of_type, value)
    if value is None:
        return "null"
    if isinstance(type, GraphQLList):
        return f"[{', '.join(_literal(type.of_type, item) for item in value)}]"
    if isinstance(type, GraphQLInputObjectType):
        fields: dict[str, GraphQLInputField] = type.fields
        inside = (f"{name}: {_literal(fields[name].type, item)}" for name, item in value.items())
        return f"{{{', '.join(inside)}}}"
    if isinstance(type, GraphQLEnumType):
        return str(value)
    return json.dumps(value)
