"""How the types of the schema are declared over the records of the house.

A type's plain attributes are read straight from the record. A field that has
to look something up is a function of the record; it says so by ``looked_up``
when its answer is the same for everybody who may see the record, and by
``viewers_own`` when it depends on who asks.
"""

from collections.abc import Callable
from typing import Any

import strawberry
from graphql import FieldNode, FragmentSpreadNode, InlineFragmentNode, SelectionSetNode
from strawberry.types.field import StrawberryField

from schema.context import Info

SHARED = "shared"


def looked_up(resolver: Callable[..., Any], type: Any, description: str | None = None) -> Any:
    """A field whose answer is the same for every viewer: an event's may go to many at once."""
    return strawberry.field(
        resolver=resolver, graphql_type=type, description=description, metadata={SHARED: True}
    )


def viewers_own(resolver: Callable[..., Any], type: Any, description: str | None = None) -> Any:
    """A field whose answer depends on the viewer."""
    return strawberry.field(resolver=resolver, graphql_type=type, description=description)


def is_shared(field: StrawberryField) -> bool:
    """Whether every viewer gets the same answer."""
    return field.base_resolver is None or field.metadata.get(SHARED) is True


def selected(info: Info, *path: str) -> frozenset[str]:
    """The names of the fields asked for below ``path`` of this field, in GraphQL's spelling.

    May name too many (skipped ones, those of another type), never too few:
    good for deciding what to read ahead.
    """
    raw = info._raw_info
    key = id(raw.field_nodes[0])
    known = info.context.selections.get(key)
    if known is None:
        sets = [node.selection_set for node in raw.field_nodes if node.selection_set]
        for name in path:
            sets = [
                node.selection_set
                for node in _fields(sets, raw.fragments)
                if node.name.value == name and node.selection_set
            ]
        known = frozenset(node.name.value for node in _fields(sets, raw.fragments))
        info.context.selections[key] = known
    return known


def _fields(sets: list[SelectionSetNode], fragments: Any) -> list[FieldNode]:
    found: list[FieldNode] = []
    seen: set[str] = set()
    waiting = list(sets)
    while waiting:
        for node in waiting.pop().selections:
            if isinstance(node, FieldNode):
                found.append(node)
            elif isinstance(node, InlineFragmentNode):
                waiting.append(node.selection_set)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
                seen.add(node.name.value)
                waiting.append(fragments[node.name.value].selection_set)
    return found
