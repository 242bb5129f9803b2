"""Blame: which argument or input field an error of graphql-core's own is about.

graphql-core says it in words, and only in part: where the document gives a
value by a variable, it names the variable, which is nobody's but the client's.
"""

import re
from collections.abc import Iterable

from graphql import (
    ArgumentNode,
    DocumentNode,
    GraphQLError,
    Node,
    ObjectFieldNode,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    visit,
)
from graphql.language import VisitorAction

FIELD = "field"

# Each from the beginning: further on, messages repeat what the client has sent.
_PATH = re.compile(
    r"(?:Variable|Argument) '[^']*' has invalid (?:default )?value at ([\w.\[\]]+): "
)
_NO_PATH = re.compile(r"(?:Variable|Argument) '[^']*' has invalid (?:default )?value: ")
_NAMED = re.compile(
    r"Expected value of type '[^']*' (?:not )?to include (?:required|unknown) field '(\w+)'"
    r"|Argument '[\w.@]+\((\w+):\)'"
    r"|Unknown argument '(\w+)'"
)
_NAME = re.compile(r"[A-Za-z_]\w*")


def name_fields(errors: Iterable[GraphQLError], ast: DocumentNode) -> None:
    """Put the name into each error's ``extensions.field`` where there is one to blame."""
    ours = [error for error in errors if error.original_error is None or _is_of_variable(error)]
    if not ours:
        return
    places = _Places()
    visit(ast, places)
    for error in ours:
        name = _named(error.message) or places.of(error.nodes or [])
        if name is not None:
            error.extensions = {FIELD: name, **(error.extensions or {})}


def _is_of_variable(error: GraphQLError) -> bool:
    return isinstance(next(iter(error.nodes or ()), None), VariableDefinitionNode)


def _named(message: str) -> str | None:
    """The name that the message itself gives, the innermost if there are several."""
    path = _PATH.match(message) or _NO_PATH.match(message)
    said = _NAMED.match(message, path.end() if path else 0)
    if said:
        return next(name for name in said.groups() if name)
    names = _NAME.findall(path[1]) if path and path.groups() else []
    return names[-1] if names else None


class _Places(Visitor):
    """Notes in which argument or input field each value of a document stands."""

    def __init__(self) -> None:
        super().__init__()
        self._inside: list[str] = []
        self._by_node: dict[int, str] = {}
        self._by_variable: dict[str, str] = {}

    def of(self, nodes: Iterable[Node]) -> str | None:
        """The argument or input field that the first of these stands in, or is used for."""
        for node in nodes:
            if isinstance(node, VariableDefinitionNode):
                return self._by_variable.get(node.variable.name.value)
            return self._by_node.get(id(node))
        return None

    def enter(self, node: Node, *_: object) -> VisitorAction:
        """Called by graphql-core for each node."""
        if isinstance(node, (ArgumentNode, ObjectFieldNode)):
            self._inside.append(node.name.value)
        if self._inside:
            self._by_node[id(node)] = self._inside[-1]
            if isinstance(node, VariableNode):
                self._by_variable.setdefault(node.name.value, self._inside[-1])
        return None

    def leave(self, node: Node, *_: object) -> VisitorAction:
        """Called by graphql-core when a node's children are done."""
        if isinstance(node, (ArgumentNode, ObjectFieldNode)):
            self._inside.pop()
        return None
