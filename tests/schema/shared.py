"""Documents that ask for everything that is marked as the same for every viewer."""

from collections.abc import Iterator
from typing import Any

from graphql import (
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLUnionType,
    get_named_type,
    is_composite_type,
)

from schema import graphql_schema
from schema.events import EVENT_TYPES
from schema.fields import DEFINITION, is_shared

Field = tuple[str, str]
"""The names of a type and of one of its fields."""

DEPTH = 3


def fields_of(type: GraphQLNamedType) -> dict[str, Any]:
    return dict(type.fields) if isinstance(type, GraphQLObjectType | GraphQLInterfaceType) else {}


def marked_as_shared() -> set[Field]:
    """All that say so; plain attributes of a record cannot help it."""
    return {
        (type.name, name)
        for type in graphql_schema().type_map.values()
        for name, field in fields_of(type).items()
        if (ours := field.extensions.get(DEFINITION))
        and ours.base_resolver is not None
        and is_shared(ours)
    }


def selection(type: GraphQLNamedType, covered: set[Field], depth: int = DEPTH) -> str:
    """Every shared field of the type, and of what they lead to."""
    assert not isinstance(type, GraphQLUnionType)
    return "{ __typename " + " ".join(_selected(type, covered, depth)) + " }"


def _selected(type: GraphQLNamedType, covered: set[Field], depth: int) -> Iterator[str]:
    for name, field in fields_of(type).items():
        inner = get_named_type(field.type)
        if not is_shared(field.extensions[DEFINITION]) or (is_composite_type(inner) and not depth):
            continue
        covered.add((type.name, name))
        yield name + (selection(inner, covered, depth - 1) if is_composite_type(inner) else "")


def event_documents(covered: set[Field]) -> dict[str, str]:
    """By kind of event; one for all would take too long to validate."""
    covered.add(("ChannelEvent", "cursor"))
    every = {
        kind.__name__: selection(graphql_schema().type_map[kind.__name__], covered, 2)
        for kind in EVENT_TYPES
    }
    return {
        kind: "subscription ($id: ID!) { channelEvents(channelId: $id)"
        f" {{ cursor ... on {kind} {asked} }} }}"
        for kind, asked in every.items()
    }


def typing_document(covered: set[Field]) -> str:
    typing = selection(graphql_schema().type_map["TypingEvent"], covered)
    return f"subscription ($id: ID!) {{ typing(channelId: $id) {typing} }}"


def presence_document(covered: set[Field]) -> str:
    watched = selection(graphql_schema().type_map["PresenceEvent"], covered)
    return f"subscription ($ids: [ID!]!) {{ presenceChanged(userIds: $ids) {watched} }}"


def marker_document(covered: set[Field]) -> str:
    marker = selection(graphql_schema().type_map["ReadMarkerEvent"], covered)
    return f"subscription ($id: ID!) {{ readMarkerMoved(channelId: $id) {marker} }}"


def page_document(covered: set[Field]) -> str:
    types = graphql_schema().type_map
    member, channel = (selection(types[name], covered) for name in ("ChannelMember", "Channel"))
    receipt = selection(types["ReadReceipt"], covered)
    message = (
        selection(types["Message"], covered)[:-1] + f"readBy {{ edges {{ node {receipt} }} }} }}"
    )
    return (
        "query ($id: ID!) { channel(id: $id) { members { edges { node "
        f"{member} }} }} messages(last: 5) {{ edges {{ node {message} }} }} ...Shared }} }}"
        f" fragment Shared on Channel {channel}"
    )
