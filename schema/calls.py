"""Calls: how a field's resolver is given its arguments, worked out once for each field.

Strawberry finds out anew whenever a field is resolved what its resolver wants and what each
argument is made of, which takes longer than all that graphql-core does for it.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING
from typing import Any

from graphql import GraphQLFieldResolver, GraphQLObjectType, GraphQLSchema
from strawberry import UNSET
from strawberry.schema.name_converter import NameConverter
from strawberry.types.base import (
    StrawberryContainer,
    StrawberryList,
    StrawberryMaybe,
    StrawberryObjectDefinition,
    StrawberryOptional,
    has_object_definition,
)
from strawberry.types.field import StrawberryField

from schema.context import Info
from schema.fields import DEFINITION

Convert = Callable[[Any], Any]
"""From a value as graphql-core has it to what the resolver is given."""

Arguments = Callable[[Any, Info, Mapping[str, Any]], dict[str, Any]]
"""From a record, an info and graphql-core's arguments to the resolver's."""


def call_directly(schema: GraphQLSchema, names: NameConverter) -> None:
    """Let graphql-core call our resolvers as Strawberry would."""
    for type in schema.type_map.values():
        if isinstance(type, GraphQLObjectType) and type is not schema.subscription_type:
            for field in type.fields.values():
                ours: StrawberryField | None = field.extensions.get(DEFINITION)
                if ours is not None and ours.base_resolver is not None:
                    field.resolve = _resolver(ours, names)


def _resolver(ours: StrawberryField, names: NameConverter) -> GraphQLFieldResolver:
    assert ours.base_resolver is not None
    assert not ours.extensions, "they are Strawberry's to call"
    call: Any = ours.base_resolver.wrapped_func
    arguments = arguments_of(ours, names)

    def resolve(source: Any, info: Any, **given: Any) -> Any:
        return call(**arguments(source, Info(info, ours), given))

    return resolve


def arguments_of(ours: StrawberryField, names: NameConverter) -> Arguments:
    """What the field's resolver is given."""
    resolver = ours.base_resolver
    assert resolver is not None
    info_name = resolver.info_parameter and resolver.info_parameter.name
    parent_name = resolver.parent_parameter and resolver.parent_parameter.name
    table = [
        (names.from_argument(argument), argument.python_name, _converter(argument.type, names))
        for argument in ours.arguments
    ]

    def arguments(source: Any, info: Info, given: Mapping[str, Any]) -> dict[str, Any]:
        wanted = {
            python_name: convert(given[name]) if convert else given[name]
            for name, python_name, convert in table
            if name in given
        }
        if parent_name:
            wanted[parent_name] = source
        if info_name:
            wanted[info_name] = info
        return wanted

    return arguments


def _converter(type: Any, names: NameConverter) -> Convert | None:
    """How values of an argument's type are converted; None for those that stay as they are."""
    if isinstance(type, StrawberryOptional) and not isinstance(type, StrawberryMaybe):
        return _optional(_converter(type.of_type, names))
    if isinstance(type, StrawberryList):
        return _list(_converter(type.of_type, names))
    if has_object_definition(type):
        return _input(type, type.__strawberry_definition__, names)
    assert not isinstance(type, StrawberryContainer), f"{type} is Strawberry's to convert"
    return None


def _optional(convert: Convert | None) -> Convert | None:
    if convert is None:
        return None
    return lambda value: value if value is None or value is UNSET else convert(value)


def _list(convert: Convert | None) -> Convert:
    if convert is None:
        # A copy: graphql-core gives the same default to all who leave the argument out.
        return list
    return lambda value: [convert(item) for item in value]


def _input(type: Any, ours: StrawberryObjectDefinition, names: NameConverter) -> Convert:
    table = []
    for field in ours.fields:
        field_type = field.resolve_type(type_definition=ours)
        may_be_left_out = isinstance(field_type, StrawberryOptional)
        has_default = (field.default_value, field.default_factory) != (MISSING, MISSING)
        assert has_default or not may_be_left_out, f"{field.name} needs a default"
        table.append((names.from_field(field), field.python_name, _converter(field_type, names)))

    def convert(value: Mapping[str, Any]) -> Any:
        return type(
            **{
                python_name: inner(value[name]) if inner else value[name]
                for name, python_name, inner in table
                if name in value
            }
        )

    return convert
