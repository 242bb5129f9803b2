"""The GraphQL surface: names and descriptions, and one line from each to what it does."""

from datetime import datetime

import strawberry
from graphql import GraphQLSchema
from strawberry.schema.config import StrawberryConfig

from schema.events import EVENT_TYPES
from schema.mutation import Mutation
from schema.query import Query
from schema.scalars import DATE_TIME
from schema.subscription import Subscription

schema = strawberry.Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    types=EVENT_TYPES,
    config=StrawberryConfig(scalar_map={datetime: DATE_TIME}),
)


def graphql_schema() -> GraphQLSchema:
    """The schema as graphql-core runs it."""
    return schema._schema


def printed() -> str:
    """The schema in GraphQL's own language, as it is committed and served."""
    return schema.as_str() + "\n"
