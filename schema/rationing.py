"""Rationing: every mutation counts against its person's limits, each time a document names it."""

from functools import wraps
from inspect import isawaitable
from typing import Any

from graphql import GraphQLFieldResolver, GraphQLResolveInfo, GraphQLSchema

from resolvers.rates import Kind
from schema.context import Context

KINDS = {
    "sendMessage": Kind.SENDS,
    "createUpload": Kind.UPLOADS,
    "completeUpload": Kind.UPLOADS,
}
"""What mutations count as; all others as mutations."""


def ration(schema: GraphQLSchema) -> None:
    """Let every mutation of the schema be counted before it is done."""
    assert schema.mutation_type is not None
    for name, field in schema.mutation_type.fields.items():
        assert field.resolve is not None, "Strawberry gives every field its resolver"
        field.resolve = _counted(field.resolve, KINDS.get(name, Kind.MUTATIONS))


def _counted(resolve: GraphQLFieldResolver, kind: Kind) -> GraphQLFieldResolver:
    @wraps(resolve)
    async def counted(source: Any, info: GraphQLResolveInfo[Context], **arguments: Any) -> Any:
        context = info.context
        await context.services.rates.take(kind, context.viewer.id)
        outcome = resolve(source, info, **arguments)
        return await outcome if isawaitable(outcome) else outcome

    return counted
