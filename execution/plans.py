"""Plans: how to fill in a part of a result at once, worked out once for each document.

graphql-core decides about every field of every row anew: which type it has,
whether it may be null, whether it has to be waited for. For a selection of
plain attributes and of look-ups that are at hand, the answer is always the
same. A plan is that answer: a function from a record to its part of the result.

What a plan cannot do exactly as graphql-core would, it does not do. Arguments from
variables, directives and unions have no plan; a value that is missing, of
another kind than expected or not at hand yet raises NotPlain, and after that, or
whatever else is raised, the part is executed by graphql-core from its beginning:
reading a record has no effect, so nothing happens twice.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from inspect import iscoroutine
from operator import attrgetter
from typing import Any, NamedTuple

from graphql import (
    BooleanValueNode,
    EnumValueNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    NullValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    StringValueNode,
    get_argument_values,
    is_abstract_type,
)

from schema.context import Context
from schema.fields import DEFINITION, look_of
from schema.scalars import to_rfc3339

Fill = Callable[[Any, Context], Any]
"""From a value to its part of the result. Raises NotPlain, and what reading a record raises."""

MAX_INT = 2**31

_WRITTEN_OUT = (BooleanValueNode, EnumValueNode, IntValueNode, NullValueNode, StringValueNode)
"""Values that name no variable."""


class Within(NamedTuple):
    """Where a selection stands."""

    schema: GraphQLSchema
    fragments: dict[str, FragmentDefinitionNode]


class NotPlain(Exception):
    """This value is not for a plan."""


class Unplannable(Exception):
    """This selection is not for a plan."""


def plan(type: GraphQLOutputType, nodes: list[FieldNode], within: Within) -> Fill | None:
    """How to fill in a value of this type with these nodes' selections, if that can be planned."""
    try:
        return _nullable(type, nodes, within)
    except Unplannable:
        return None


def plan_event(operation: OperationDefinitionNode, within: Within) -> Fill | None:
    """How to fill in the whole result of a subscription from what it tells of, if that can be
    planned. Each of our subscriptions tells of what its source gives, as it is.
    """
    root = within.schema.subscription_type
    assert root is not None, "the schema has subscriptions"
    try:
        ((name, nodes),) = _merged(_fields(root, operation.selection_set, within)).items()
        fill = _nullable(root.fields[nodes[0].name.value].type, nodes, within)
    except Unplannable:
        return None
    return lambda value, context: {name: fill(value, context)}


def _nullable(type: GraphQLOutputType, nodes: list[FieldNode], within: Within) -> Fill:
    if isinstance(type, GraphQLNonNull):
        return _present(type.of_type, nodes, within)
    fill = _present(type, nodes, within)
    return lambda value, context: None if value is None else fill(value, context)


def _present(type: GraphQLOutputType, nodes: list[FieldNode], within: Within) -> Fill:
    """For a value that is there: each kind refuses None by itself."""
    if isinstance(type, GraphQLList):
        return _list(_nullable(type.of_type, nodes, within))
    if isinstance(type, GraphQLObjectType) and type.is_type_of is None:
        return _object(type, nodes, within)
    if isinstance(type, GraphQLInterfaceType):
        return _interface(type, nodes, within)
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


def _object(type: GraphQLObjectType, nodes: list[FieldNode], within: Within) -> Fill:
    selected = [field for node in nodes for field in _fields(type, node.selection_set, within)]
    fields = [(name, *_field(type, of, within)) for name, of in _merged(selected).items()]

    def fill(value: Any, context: Context) -> dict[str, Any]:
        if value is None:
            raise NotPlain
        return {name: complete(get(value, context), context) for name, get, complete in fields}

    return fill


def _interface(type: GraphQLInterfaceType, nodes: list[FieldNode], within: Within) -> Fill:
    """Of an interface whose values say themselves which of its types they are of."""
    ours = type.extensions.get(DEFINITION)
    if ours is None or ours.resolve_type is None:
        # Strawberry's own way asks the executor.
        raise Unplannable
    kind_of: Callable[..., Any] = ours.resolve_type
    possible = {each.name: each for each in within.schema.get_possible_types(type)}
    # Worked out when the first of a kind comes: a stream shows few of them.
    fills: dict[str, Fill | None] = {}

    def fill(value: Any, context: Context) -> dict[str, Any]:
        if value is None:
            raise NotPlain
        kind = kind_of(value, None, type)
        if kind not in fills:
            fills[kind] = _concrete(possible.get(kind), nodes, within)
        of_kind = fills[kind]
        if of_kind is None:
            raise NotPlain
        found: dict[str, Any] = of_kind(value, context)
        return found

    return fill


def _concrete(
    type: GraphQLObjectType | None, nodes: list[FieldNode], within: Within
) -> Fill | None:
    ours = type and type.extensions.get(DEFINITION)
    if type is None or ours is None or (type.is_type_of and not ours.is_type_of):
        return None
    try:
        fill = _object(type, nodes, within)
    except Unplannable:
        return None
    is_one: Callable[..., Any] | None = ours.is_type_of
    if is_one is None:
        return fill

    def fill_one(value: Any, context: Context) -> Any:
        if not is_one(value, None):
            raise NotPlain
        return fill(value, context)

    return fill_one


def _field(type: GraphQLObjectType, nodes: list[FieldNode], within: Within) -> tuple[Fill, Fill]:
    name = nodes[0].name.value
    if name == "__typename":
        return (lambda _, __: type.name), (lambda value, _: value)
    field = type.fields[name]
    return _getter(field, nodes[0]), _nullable(field.type, nodes, within)


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
        found = look(value, context, **arguments)
        # As inspect would find out in several steps: this is asked for each row.
        if hasattr(found, "__await__"):
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


def _merged(fields: Iterable[FieldNode]) -> dict[str, list[FieldNode]]:
    """The fields by their names in the result, in order."""
    found: dict[str, list[FieldNode]] = {}
    for field in fields:
        found.setdefault(field.alias.value if field.alias else field.name.value, []).append(field)
    return found


def _fields(
    type: GraphQLObjectType, selection_set: SelectionSetNode | None, within: Within
) -> Iterator[FieldNode]:
    """The fields selected on an object of this type."""
    for node in selection_set.selections if selection_set else ():
        if node.directives:
            raise Unplannable
        if isinstance(node, FieldNode):
            yield node
        elif isinstance(node, InlineFragmentNode):
            if _applies(type, node, within):
                yield from _fields(type, node.selection_set, within)
        else:
            assert isinstance(node, FragmentSpreadNode)
            fragment = within.fragments[node.name.value]
            if _applies(type, fragment, within):
                yield from _fields(type, fragment.selection_set, within)


def _applies(
    type: GraphQLObjectType, fragment: InlineFragmentNode | FragmentDefinitionNode, within: Within
) -> bool:
    condition = fragment.type_condition
    if condition is None or condition.name.value == type.name:
        return True
    other = within.schema.get_type(condition.name.value)
    return is_abstract_type(other) and within.schema.is_sub_type(other, type)


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
