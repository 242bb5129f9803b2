"""Limits: how much a document asks for, found out before any of it is done."""

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

MAX_CHARACTERS = 20_000
MAX_TOKENS = 2_000
MAX_FIELDS = 2_000
"""In one operation, each fragment written out wherever it is used: twenty fragments that each
use the next one twice ask for a million fields in a thousand characters."""


def fields_written_out(ast: DocumentNode) -> int:
    """How many fields the largest operation of a valid document has with its fragments written
    out. Each fragment is looked at once, so this takes no longer than reading the document.
    """
    fragments = {
        node.name.value: node
        for node in ast.definitions
        if isinstance(node, FragmentDefinitionNode)
    }
    known: dict[str, int] = {}

    def count(selected: SelectionSetNode | None) -> int:
        total = 0
        for node in selected.selections if selected else ():
            if isinstance(node, FragmentSpreadNode):
                name = node.name.value
                if name not in known:
                    known[name] = count(fragments[name].selection_set)
                total += known[name]
            else:
                assert isinstance(node, FieldNode | InlineFragmentNode)
                total += isinstance(node, FieldNode) + count(node.selection_set)
        return total

    return max(
        count(node.selection_set)
        for node in ast.definitions
        if isinstance(node, OperationDefinitionNode)
    )
