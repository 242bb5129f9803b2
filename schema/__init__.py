"""The GraphQL surface: names and descriptions, and one line from each to what it does."""

from collections.abc import Iterator
from datetime import datetime

import strawberry
from graphql import (
    GraphQLArgument,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    Undefined,
)
from strawberry.schema.config import StrawberryConfig

from schema.calls import call_directly
from schema.events import EVENT_TYPES
from schema.mutation import Mutation
from schema.query import Query
from schema.rationing import ration
from schema.scalars import DATE_TIME
from schema.subscription import Subscription

schema = strawberry.Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    types=EVENT_TYPES,
    config=StrawberryConfig(scalar_map={datetime: DATE_TIME}),
)


def _inputs(schema: GraphQLSchema) -> Iterator[GraphQLArgument | GraphQLInputField]:
    for type in schema.type_map.values():
        if isinstance(type, GraphQLInputObjectType):
            yield from type.fields.values()
        elif isinstance(type, GraphQLObjectType | GraphQLInterfaceType):
            for field in type.fields.values():
                yield from field.args.values()


# Strawberry tells clients of a default wherever our functions have one for what is
# left out. That it is null is no promise of the contract's.
for _input in _inputs(schema._schema):
    if _input.default_value is None:
        _input.default_value = Undefined

call_directly(schema._schema, schema.config.name_converter)
ration(schema._schema)


def graphql_schema() -> GraphQLSchema:
    """The schema as graphql-core runs it."""
    return schema._schema


def printed() -> str:
    """The schema in GraphQL's own language, as it is committed and served."""
    return schema.as_str() + "\n"
