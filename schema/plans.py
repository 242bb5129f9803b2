"""Plans: how to fill in a part of a result at once, worked out once for each document.

graphql-core decides about every field of every row anew: which type it has,
whether it may be null, whether it has to be waited for. For a selection of
plain attributes and of look-ups that are at hand, the answer is always the
same. A plan is that answer: a function from a record to its part of the result.

What a plan cannot do exactly as graphql-core would, it does not do. Arguments from
variables, directives, abstract types have no plan; a value that is missing, of
another kind than expected or not at hand yet raises NotPlain, and the part is
executed by graphql-core from its beginning: reading a record has no effect, so
nothing happens twice.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from inspect import isawaitable, iscoroutine
from operator import attrgetter
from typing import Any

from graphql import (
    BooleanValueNode,
    EnumValueNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
    InlineFragmentNode,
    IntValueNode,
    NullValueNode,
    SelectionSetNode,
    StringValueNode,
    get_argument_values,
)

from schema.context import Context
from schema.fields import DEFINITION, look_of
from schema.scalars import to_rfc3339
from storage.errors import Refusal

Fill = Callable[[Any, Context], Any]
"""From a value to its part of the result. Raises NotPlain."""

Fragments = dict[str, FragmentDefinitionNode]

MAX_INT = 2**31

_WRITTEN_OUT = (BooleanValueNode, EnumValueNode, IntValueNode, NullValueNode, StringValueNode)
"""Values that name no variable."""


class NotPlain(Exception):
    """This value is not for a plan."""


class Unplannable(Exception):
    """This selection is not for a plan."""


def plan(type: GraphQLOutputType, nodes: list[FieldNode], fragments: Fragments) -> Fill | None:
    """How to fill in a value of this type with these nodes' selections, if that can be planned."""
    try:
        return _nullable(type, nodes, fragments)
    except Unplannable:
        return None


def _nullable(type: GraphQLOutputType, nodes: list[FieldNode], fragments: Fragments) -> Fill:
    if isinstance(type, GraphQLNonNull):
        return _present(type.of_type, nodes, fragments)
    fill = _present(type, nodes, fragments)
    return lambda value, context: None if value is None else fill(value, context)


def _present(type: GraphQLOutputType, nodes: list[FieldNode], fragments: Fragments) -> Fill:
    """For a value that is there: each kind refuses None by itself."""
    if isinstance(type, GraphQLList):
        return _list(_nullable(type.of_type, nodes, fragments))
    if isinstance(type, GraphQLObjectType) and type.is_type_of is None:
        return _object(type, _selections(type, nodes, fragments), fragments)
    if isinstance(type, GraphQLEnumType):
        return _enum(type)
    if isinstance(type, GraphQLScalarType) and type.name in _SCALARS:
        return _SCALARS[type.name]
    raise Unplannable


def _list(item: Fill) -> Fill:
    def fill(value: Any, context: Context) -> list[Any]:
        if type(value) is not list:
            raise NotPlain
        return [item(element, context) for element in value]

    return fill


def _object(
    type: GraphQLObjectType, selections: dict[str, list[FieldNode]], fragments: Fragments
) -> Fill:
    fields = [(name, *_field(type, nodes, fragments)) for name, nodes in selections.items()]

    def fill(value: Any, context: Context) -> dict[str, Any]:
        if value is None:
            raise NotPlain
        return {name: complete(get(value, context), context) for name, get, complete in fields}

    return fill


def _field(
    type: GraphQLObjectType, nodes: list[FieldNode], fragments: Fragments
) -> tuple[Fill, Fill]:
    name = nodes[0].name.value
    if name == "__typename":
        return (lambda _, __: type.name), (lambda value, _: value)
    field = type.fields[name]
    return _getter(field, nodes[0]), _nullable(field.type, nodes, fragments)


def _getter(field: GraphQLField, node: FieldNode) -> Fill:
    ours = field.extensions.get(DEFINITION)
    if ours is None:
        # Introspection's own.
        raise Unplannable
    if ours.base_resolver is None:
        attribute = attrgetter(ours.python_name)
        return lambda value, _: attribute(value)
    look = look_of(ours)
    if look is None:
        raise Unplannable
    arguments = _arguments(field, node)

    def get(value: Any, context: Context) -> Any:
        try:
            found = look(value, context, **arguments)
        except Refusal:
            raise NotPlain from None
        if isawaitable(found):
            if iscoroutine(found):
                found.close()
            raise NotPlain
        return found

    return get


def _arguments(field: GraphQLField, node: FieldNode) -> dict[str, Any]:
    """Those of this node, where they are the same for each run of the document."""
    for argument in node.arguments or ():
        if not isinstance(argument.value, _WRITTEN_OUT):
            raise Unplannable
    return get_argument_values(field, node)


def _selections(
    type: GraphQLObjectType, nodes: list[FieldNode], fragments: Fragments
) -> dict[str, list[FieldNode]]:
    """The fields selected on an object of this type, by their names in the result, in order."""
    found: dict[str, list[FieldNode]] = {}
    for node in nodes:
        for field in _fields(type, node.selection_set, fragments):
            found.setdefault(field.alias.value if field.alias else field.name.value, []).append(
                field
            )
    return found


def _fields(
    type: GraphQLObjectType, selection_set: SelectionSetNode | None, fragments: Fragments
) -> Iterator[FieldNode]:
    for node in selection_set.selections if selection_set else ():
        if node.directives:
            raise Unplannable
        if isinstance(node, FieldNode):
            yield node
        elif isinstance(node, InlineFragmentNode):
            if _applies(type, node):
                yield from _fields(type, node.selection_set, fragments)
        else:
            assert isinstance(node, FragmentSpreadNode)
            fragment = fragments[node.name.value]
            if _applies(type, fragment):
                yield from _fields(type, fragment.selection_set, fragments)


def _applies(
    type: GraphQLObjectType, fragment: InlineFragmentNode | FragmentDefinitionNode
) -> bool:
    condition = fragment.type_condition
    if condition is None or condition.name.value == type.name:
        return True
    return any(interface.name == condition.name.value for interface in type.interfaces)


def _enum(type: GraphQLEnumType) -> Fill:
    names = frozenset(type.values)

    def fill(value: Any, _: Context) -> str:
        # Our records keep the name itself, as a plain string or a StrEnum's member.
        if value not in names:
            raise NotPlain
        return str(value)

    return fill


def _string(value: Any, _: Context) -> str:
    if type(value) is not str:
        raise NotPlain
    return value


def _int(value: Any, _: Context) -> int:
    if type(value) is not int or not -MAX_INT <= value < MAX_INT:
        raise NotPlain
    return value


def _boolean(value: Any, _: Context) -> bool:
    if type(value) is not bool:
        raise NotPlain
    return value


def _date_time(value: Any, _: Context) -> str:
    if type(value) is not datetime:
        raise NotPlain
    return to_rfc3339(value)


_SCALARS: dict[str, Fill] = {
    "ID": _string,
    "String": _string,
    "Int": _int,
    "Boolean": _boolean,
    "DateTime": _date_time,
}
