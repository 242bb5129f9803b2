"""Resolvers are given exactly what Strawberry would give them."""

import random
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    is_required_input_field,
)
from strawberry.schema.schema_converter import get_arguments

from schema import graphql_schema, schema
from schema.calls import arguments_of
from schema.context import Info
from schema.fields import DEFINITION

FIELDS = [
    (f"{type.name}.{name}", field)
    for type in graphql_schema().type_map.values()
    if isinstance(type, GraphQLObjectType)
    for name, field in type.fields.items()
    if (ours := field.extensions.get(DEFINITION)) and ours.base_resolver
]

VALUES = {"ID": "an id", "String": "a text", "Int": 7, "Boolean": True, "DateTime": object()}


def value_of(type: GraphQLInputType, chance: random.Random) -> Any:
    """Something that graphql-core might have made of what a client sent."""
    if not isinstance(type, GraphQLNonNull) and chance.random() < 0.2:
        return None
    return present(type, chance)


def present(type: Any, chance: random.Random) -> Any:
    if isinstance(type, GraphQLNonNull):
        return present(type.of_type, chance)
    if isinstance(type, GraphQLList):
        return [present(type.of_type, chance) for _ in range(chance.randrange(3))]
    if isinstance(type, GraphQLInputObjectType):
        return {
            name: value_of(field.type, chance)
            for name, field in type.fields.items()
            if is_required_input_field(field) or chance.random() < 0.7
        }
    if isinstance(type, GraphQLEnumType):
        return chance.choice([value.value for value in type.values.values()])
    return VALUES[type.name]


@pytest.mark.parametrize(("name", "field"), FIELDS, ids=[name for name, _ in FIELDS])
def test_a_resolver_is_given_what_strawberry_would_give_it(name: str, field: Any) -> None:
    chance = random.Random(name)
    ours = field.extensions[DEFINITION]
    names = schema.config.name_converter
    source: object = object()
    info: Any = Info(None, ours)  # type: ignore[arg-type]
    arguments = arguments_of(ours, names)
    for _ in range(30):
        given = {
            argument_name: value_of(argument.type, chance)
            for argument_name, argument in field.args.items()
            if isinstance(argument.type, GraphQLNonNull) or chance.random() < 0.7
        }
        positional, by_name = get_arguments(
            field=ours,
            source=source,
            info=info,
            kwargs=given,
            config=schema.config,
            scalar_registry=schema.schema_converter.scalar_registry,
        )
        assert positional == []
        assert arguments(source, info, given) == by_name


def test_lists_are_copied_for_each_call() -> None:
    (field,) = [field for name, field in FIELDS if name == "Mutation.addMembers"]
    given = {"channelId": "an id", "userIds": ["somebody"]}
    arguments = arguments_of(field.extensions[DEFINITION], schema.config.name_converter)
    wanted = arguments(None, None, given)  # type: ignore[arg-type]
    assert wanted["user_ids"] == given["userIds"]
    assert wanted["user_ids"] is not given["userIds"]
