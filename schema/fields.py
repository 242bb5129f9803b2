"""How the types of the schema are declared over the records of the house.

A type's plain attributes are read straight from the record. Other fields say
what kind they are: ``looked_up`` and ``viewers_own`` are found from the record
and the operation's context alone, ``resolved`` is for those that take
arguments or are at the root.
"""

from collections.abc import Callable
from inspect import iscoroutinefunction
from typing import Any

import strawberry
from graphql import FieldNode, FragmentSpreadNode, InlineFragmentNode, SelectionSetNode
from strawberry.types.field import StrawberryField

from schema.context import Context, Info

Look = Callable[[Any, Context], Any]
"""From a record and a context to a value, or to a promise of it."""

DEFINITION = "strawberry-definition"
"""Where Strawberry keeps its own idea of a field in graphql-core's extensions."""

SHARED = "shared"
INSIDE = "inside"
ROWS = "rows"
LOOK = "look"


def looked_up(look: Look, type: Any, description: str | None = None) -> Any:
    """A field whose answer is the same for every viewer: an event's may go to many at once."""
    return _field(look, type, description, shared=True)


def same_inside(look: Look, type: Any, description: str | None = None) -> Any:
    """A field whose answer is the same for every internal viewer, and each client's own."""
    return _field(look, type, description, shared=INSIDE)


def viewers_own(look: Look, type: Any, description: str | None = None) -> Any:
    """A field whose answer depends on the viewer."""
    return _field(look, type, description, shared=False)


def resolved(
    resolver: Callable[..., Any],
    type: Any,
    description: str | None = None,
    *,
    shared: bool = False,
    rows: int | None = None,
    look: Callable[..., Any] | None = None,
) -> Any:
    """A field with arguments, or at the root; ``shared``: every viewer gets the same answer.

    ``rows`` is how long its list may be, where that is more than a few. ``look`` finds the
    same as the resolver, from the record, the context and the arguments by their names.
    """
    return strawberry.field(
        resolver=resolver,
        graphql_type=type,
        description=description,
        metadata={SHARED: shared, ROWS: rows, LOOK: look},
    )


def _field(look: Look, type: Any, description: str | None, *, shared: bool | str) -> Any:
    def resolver(record: strawberry.Parent[Any], info: Info) -> Any:
        return look(record, info.context)

    # What always has to wait is of no use to those who want it at once.
    at_once = {} if iscoroutinefunction(look) else {LOOK: look}
    return strawberry.field(
        resolver=resolver,
        graphql_type=type,
        description=description,
        metadata={SHARED: shared, **at_once},
    )


def is_shared(field: StrawberryField) -> bool:
    """Whether every viewer gets the same answer."""
    return field.base_resolver is None or field.metadata.get(SHARED) is True


def is_shared_inside(field: StrawberryField) -> bool:
    """Whether every internal viewer gets the same answer."""
    return is_shared(field) or field.metadata.get(SHARED) == INSIDE


def rows_of(field: StrawberryField) -> int | None:
    """How long a list without pages may be, if that is said."""
    rows: int | None = field.metadata.get(ROWS)
    return rows


def look_of(field: StrawberryField) -> Callable[..., Any] | None:
    """How the field is found from a record, a context and its arguments, if that is known."""
    look: Callable[..., Any] | None = field.metadata.get(LOOK)
    return look


def selected(info: Info, *path: str) -> frozenset[str]:
    """The names of the fields asked for below ``path`` of this field, in GraphQL's spelling.

    May name too many (skipped ones, those of another type), never too few:
    good for deciding what to read ahead.
    """
    raw = info._raw_info
    key: tuple[int | str, ...] = (*path, *(id(node) for node in raw.field_nodes))
    known = info.context.memo.selections.get(key)
    if known is None:
        sets = [node.selection_set for node in raw.field_nodes if node.selection_set]
        for name in path:
            sets = [
                node.selection_set
                for node in _fields(sets, raw.fragments)
                if node.name.value == name and node.selection_set
            ]
        known = frozenset(node.name.value for node in _fields(sets, raw.fragments))
        info.context.memo.selections[key] = known
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
