"""Measure: how much a document asks for, found out before any of it is done.

One pass over the parsed document measures each fragment once, however often it
is used, and runs before validation: what could keep that busy for long does not
reach it. What the document alone decides is found out once for it; only the cost
of an operation that large pages could make too dear is worked out for each
request, with its variables.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    NullValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
)

from resolvers.inputs import DEFAULT_PAGE, MAX_PAGE
from schema.fields import DEFINITION, rows_of
from schema.limits import (
    MAX_ALIASES,
    MAX_COST,
    MAX_DEPTH,
    MAX_DIRECTIVES,
    MAX_FIELDS,
    MAX_SPREADS,
    TOO_DEEP,
    too_complex,
)

LIST = 3
"""What is expected of lists without pages: reactions, attachments, mentions."""
CHANNELS = 50
"""What is expected of a whole sidebar."""
INTROSPECTION_LIST = 10
"""What is expected of the schema's own lists: for the whole schema the cost comes out right."""


@dataclass(frozen=True, slots=True)
class Measure:
    """What a part of a document asks for, its fragments written out."""

    depth: int = 0
    fields: int = 0
    cost: int = 0
    rows: int = 0
    """The cost of what a connection has in each of its rows: the page's size multiplies it."""


def check_document(schema: GraphQLSchema, ast: DocumentNode) -> dict[str | None, int]:
    """What each operation costs at most, by its name, whatever pages its variables ask for.

    The document may be invalid. Raises QUERY_TOO_COMPLEX for what nobody's variables
    make better.
    """
    pass_ = Pass(schema, ast)
    costs: dict[str | None, int] = {}
    for node in ast.definitions:
        if isinstance(node, OperationDefinitionNode):
            measure = pass_.operation(node)
            if measure.fields > MAX_FIELDS:
                raise too_complex(f"An operation has at most {MAX_FIELDS:,} fields.")
            costs[node.name.value if node.name else None] = measure.cost
    pass_.unused_fragments()
    return costs


def check_cost(
    schema: GraphQLSchema,
    ast: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Mapping[str, Any],
) -> None:
    """Raises QUERY_TOO_COMPLEX if a valid operation costs too much with these variables."""
    given = {
        node.variable.name.value: _literal(node.default_value)
        for node in operation.variable_definitions or ()
    }
    given.update((name, variables[name]) for name in given if name in variables)
    if Pass(schema, ast, given).operation(operation).cost > MAX_COST:
        raise too_complex(
            f"An operation costs at most {MAX_COST:,}, and every row of a page costs as much as"
            " the fields asked for in it: ask for smaller pages."
        )


class Pass:
    """One pass over a document.

    ``variables`` has a value for each variable; without it, each asks for the largest page.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        ast: DocumentNode,
        variables: Mapping[str, Any] | None = None,
    ) -> None:
        self._schema = schema
        self._variables = variables
        self._fragments = {
            node.name.value: node
            for node in ast.definitions
            if isinstance(node, FragmentDefinitionNode)
        }
        self._known: dict[str, Measure] = {}
        self._aliases = self._directives = self._spreads = 0

    def operation(self, node: OperationDefinitionNode) -> Measure:
        """What an operation asks for."""
        self._count_directives(node)
        for variable in node.variable_definitions or ():
            self._count_directives(variable)
        root = self._schema.get_root_type(node.operation)
        return self._selections(node.selection_set, root, 0)

    def unused_fragments(self) -> None:
        """Look at what no operation uses: it would be validated like the rest."""
        for name in self._fragments:
            self._fragment(name, 0)

    def _selections(
        self, selected: SelectionSetNode | None, parent: GraphQLNamedType | None, level: int
    ) -> Measure:
        if selected is None:
            return Measure()
        parts = [self._selection(node, parent, level + 1) for node in selected.selections]
        return Measure(
            max((part.depth for part in parts), default=0),
            # An empty selection is still something to look at.
            sum(part.fields for part in parts) or 1,
            sum(part.cost for part in parts),
            sum(part.rows for part in parts),
        )

    def _selection(
        self, node: SelectionNode, parent: GraphQLNamedType | None, level: int
    ) -> Measure:
        _check_depth(level)
        self._count_directives(node)
        if isinstance(node, FieldNode):
            return self._field(node, parent, level)
        if isinstance(node, InlineFragmentNode):
            inside = self._selections(node.selection_set, self._condition(node) or parent, level)
        else:
            assert isinstance(node, FragmentSpreadNode)
            self._spreads += 1
            if self._spreads > MAX_SPREADS:
                raise too_complex(f"A document has at most {MAX_SPREADS} fragment spreads.")
            inside = self._fragment(node.name.value, level)
        return Measure(1 + inside.depth, inside.fields, inside.cost, inside.rows)

    def _fragment(self, name: str, level: int) -> Measure:
        known = self._known.get(name)
        if known is None:
            # For what goes round in circles and for what is not there, both of
            # which validation has a word for.
            self._known[name] = Measure()
            node = self._fragments.get(name)
            if node is None:
                return self._known[name]
            self._count_directives(node)
            known = self._selections(node.selection_set, self._condition(node), level)
            self._known[name] = known
        _check_depth(level + known.depth)
        return known

    def _field(self, node: FieldNode, parent: GraphQLNamedType | None, level: int) -> Measure:
        if node.alias:
            self._aliases += 1
            if self._aliases > MAX_ALIASES:
                raise too_complex(f"A document has at most {MAX_ALIASES} aliases.")
        field = self._definition(node, parent)
        type = get_named_type(field.type) if field else None
        below = self._selections(node.selection_set, type, level)
        depth, fields = 1 + below.depth, 1 + (below.fields if node.selection_set else 0)
        if field is None:
            return Measure(depth, fields, 1 + below.cost)
        is_list = isinstance(get_nullable_type(field.type), GraphQLList)
        if is_list and _is_connection(parent):
            return Measure(depth, fields, 1, below.cost)
        page = self._page(node, field)
        times = 1
        if is_list and type is not None:
            times = _rows(field, type) if page is None else page
        rows = below.rows * (DEFAULT_PAGE if page is None else page)
        return Measure(depth, fields, 1 + below.cost * times + rows)

    def _page(self, node: FieldNode, field: GraphQLField) -> int | None:
        """How many rows the field has at most; None for one without pages."""
        sizes = [field.args[name] for name in ("first", "last") if name in field.args]
        if not sizes:
            return None
        asked: Any = next((size.default_value for size in sizes), None)
        for argument in node.arguments or ():
            if argument.name.value in ("first", "last"):
                given = self._value(argument.value)
                asked = asked if given is None else given
        size = asked if isinstance(asked, int) else DEFAULT_PAGE
        # What is beyond these is refused by name and costs nothing.
        return min(max(size, 0), MAX_PAGE)

    def _value(self, value: Any) -> Any:
        if isinstance(value, VariableNode):
            return MAX_PAGE if self._variables is None else self._variables.get(value.name.value)
        return _literal(value)

    def _definition(self, node: FieldNode, parent: GraphQLNamedType | None) -> GraphQLField | None:
        if isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
            return self._schema.get_field(parent, node.name.value)
        return None

    def _condition(
        self, node: InlineFragmentNode | FragmentDefinitionNode
    ) -> GraphQLNamedType | None:
        condition = node.type_condition
        return self._schema.get_type(condition.name.value) if condition else None

    def _count_directives(self, node: Any) -> None:
        self._directives += len(node.directives or ())
        if self._directives > MAX_DIRECTIVES:
            raise too_complex(f"A document has at most {MAX_DIRECTIVES} directives.")


def _rows(field: GraphQLField, type: GraphQLNamedType) -> int:
    """What is expected of a list without pages."""
    if type.name.startswith("__"):
        return INTROSPECTION_LIST
    ours = field.extensions.get(DEFINITION)
    rows = rows_of(ours) if ours else None
    return rows or (CHANNELS if type.name == "Channel" else LIST)


def _check_depth(level: int) -> None:
    if level > MAX_DEPTH:
        raise too_complex(TOO_DEEP)


def _is_connection(type: GraphQLNamedType | None) -> bool:
    return type is not None and type.name.endswith("Connection")


def _literal(value: Any) -> int | None:
    """The number; None for null and for nothing. What else it may be is not valid."""
    if isinstance(value, IntValueNode):
        # Of any length: beyond some of them int() is slow, and then refuses.
        return int(value.value) if len(value.value) < 10 else MAX_PAGE
    return None if value is None or isinstance(value, NullValueNode) else MAX_PAGE
