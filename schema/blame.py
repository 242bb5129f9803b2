"""Blame: which argument or input field an error of graphql-core's own is about.

graphql-core says it in words, and only in part: where the document gives a
value by a variable, it names the variable, which is nobody's but the client's.
"""

import re
from collections.abc import Iterable

from graphql import (
    SKIP,
    ArgumentNode,
    DocumentNode,
    GraphQLError,
    GraphQLInputType,
    ObjectFieldNode,
    ValueNode,
    ValuesOfCorrectTypeRule,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    validate_input_literal,
    visit,
)
from graphql.language import VisitorAction

FIELD = "field"

# Each from the beginning: further on, messages repeat what the client has sent.
_VALUE = re.compile(
    r"(?P<what>Variable|Argument) '\$?(?P<name>\w+)' has invalid (?:default )?value"
    r"(?: at (?P<path>[\w.\[\]]+))?: "
)
_SAID = re.compile(
    r"Expected value of type '[^']*' (?:not )?to include (?:required|unknown) field '(\w+)'"
    r"|Argument '[\w.@]+\((\w+):\)'"
    r"|Unknown argument '(\w+)'"
)
_NAME = re.compile(r"[A-Za-z_]\w*")


class BlamingValues(ValuesOfCorrectTypeRule):
    """graphql-core's rule for literal values, saying of each in what it stands."""

    _argument: str | None = None

    def enter_argument(self, node: ArgumentNode, *_: object) -> VisitorAction:
        """Called by graphql-core for each argument, before its value."""
        self._argument = node.name.value
        return None

    def leave_argument(self, *_: object) -> VisitorAction:
        """Called by graphql-core after an argument's value."""
        self._argument = None
        return None

    def is_valid_value_node(
        self, node: ValueNode, input_type: GraphQLInputType | None
    ) -> VisitorAction:
        """Report what is wrong with a literal, and with what is inside it."""
        argument = self._argument

        def on_error(error: GraphQLError, path: list[str | int]) -> None:
            if not isinstance(error.original_error, GraphQLError | None):
                # Python's own word for a number of too many digits: no fault of ours.
                error = GraphQLError("This cannot be read as a value of its type.", error.nodes)
            names = [argument, *(part for part in path if isinstance(part, str))]
            _blame(error, _said(error.message) or names[-1])
            self.report_error(error)

        if input_type:
            hidden = self.context.hide_suggestions
            validate_input_literal(node, input_type, on_error, hide_suggestions=hidden)
        return SKIP


def name_fields(errors: Iterable[GraphQLError], ast: DocumentNode) -> None:
    """Put the name into each error's ``extensions.field`` where there is one to blame."""
    for error in errors:
        if FIELD in (error.extensions or {}):
            continue
        if isinstance(error.original_error, GraphQLError | None):
            name = _named(error.message)
            node = next(iter(error.nodes or ()), None)
            if name is None and isinstance(node, VariableDefinitionNode):
                name = used_for(node.variable.name.value, ast)
            _blame(error, name)


def _blame(error: GraphQLError, name: str | None) -> None:
    if name is not None:
        error.extensions = {**(error.extensions or {}), FIELD: name}


def _named(message: str) -> str | None:
    """The name that the message itself gives, the innermost if there are several."""
    value = _VALUE.match(message)
    said = _said(message[value.end() :] if value else message)
    if said or value is None:
        return said
    inside = _NAME.findall(value["path"] or "")
    if inside:
        return str(inside[-1])
    return value["name"] if value["what"] == "Argument" else None


def _said(message: str) -> str | None:
    said = _SAID.match(message)
    return next(name for name in said.groups() if name) if said else None


def used_for(variable: str, ast: DocumentNode) -> str | None:
    """The first argument or input field that is given by this variable."""
    usages = _Usages()
    visit(ast, usages)
    return usages.of.get(variable)


class _Usages(Visitor):
    """Notes which argument or input field each variable is used for."""

    def __init__(self) -> None:
        super().__init__()
        self._inside: list[str] = []
        self.of: dict[str, str] = {}

    def enter(self, node: object, *_: object) -> VisitorAction:
        """Called by graphql-core for each node."""
        if isinstance(node, (ArgumentNode, ObjectFieldNode)):
            self._inside.append(node.name.value)
        elif self._inside and isinstance(node, VariableNode):
            self.of.setdefault(node.name.value, self._inside[-1])
        return None

    def leave(self, node: object, *_: object) -> VisitorAction:
        """Called by graphql-core when a node's children are done."""
        if isinstance(node, (ArgumentNode, ObjectFieldNode)):
            self._inside.pop()
        return None
