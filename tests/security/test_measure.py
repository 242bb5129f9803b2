"""The memoised measure of a document is what one would count by writing it out."""

import re
from pathlib import Path
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLList,
    InlineFragmentNode,
    OperationDefinitionNode,
    get_named_type,
    get_nullable_type,
    parse,
    print_ast,
)
from hypothesis import given
from hypothesis import strategies as st

import tests
from resolvers.inputs import MAX_IDS
from schema import graphql_schema, limits
from schema.measure import LIST, Measure, Pass

SCHEMA = graphql_schema()

# By type: fields without fields, and fields with them and the type they lead to.
LEAVES = {
    "Message": ["id", "a: content", "__typename"],
    "MessageConnection": ["__typename"],
    "MessageEdge": ["cursor"],
    "Reaction": ["emoji"],
    "User": ["name", "b: id @include(if: true)"],
}
PAGES = ["", "(first: 0)", "(first: 7)", "(first: $n)", "(first: $none)", "(first: 5000)"]
BRANCHES = {
    "Message": [
        ("parent", "Message", [""]),
        ("replies", "MessageConnection", [*PAGES, "(first: null)"]),
        ("reactions", "Reaction", [""]),
        ("mentions", "User", [""]),
        ("sender", "User", [""]),
    ],
    "MessageConnection": [("edges", "MessageEdge", [""])],
    "MessageEdge": [("node", "Message", [""])],
    "Reaction": [("users", "User", PAGES)],
    "User": [],
}
VARIABLES = {"n": 3, "none": None}


@st.composite
def selections(draw: st.DrawFn, type: str, fragments: list[tuple[str, str]], depth: int) -> str:
    """Some selections on a type, with the fragments that there are."""
    parts = []
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.integers(0, 3)) if depth else 0
        usable = [name for name, on in fragments if on == type]
        branches = BRANCHES[type]
        if kind == 1 and usable:
            parts.append("..." + draw(st.sampled_from(usable)))
        elif kind == 2:
            inside = draw(selections(type, fragments, depth - 1))
            parts.append(f"... {draw(st.sampled_from(['', f'on {type}']))} {{ {inside} }}")
        elif kind == 3 and branches:
            name, below, pages = draw(st.sampled_from(branches))
            inside = draw(selections(below, fragments, depth - 1))
            parts.append(f"{name}{draw(st.sampled_from(pages))} {{ {inside} }}")
        else:
            parts.append(draw(st.sampled_from(LEAVES[type])))
    return " ".join(parts)


@st.composite
def documents(draw: st.DrawFn) -> str:
    """A query for a message; each fragment may use those before it."""
    fragments: list[tuple[str, str]] = []
    text = ""
    for number in range(draw(st.integers(0, 4))):
        type = draw(st.sampled_from(list(LEAVES)))
        inside = draw(selections(type, fragments, 3))
        text += f" fragment F{number} on {type} {{ {inside} }}"
        fragments.append((f"F{number}", type))
    return f"{{ message(id: 1) {{ {draw(selections('Message', fragments, 4))} }} }}{text}"


def naive(text: str, variables: dict[str, Any] | None) -> Measure:
    """The same without a memory."""
    ast = parse(text)
    fragments = {n.name.value: n for n in ast.definitions if isinstance(n, FragmentDefinitionNode)}

    def count(node: Any, type: Any) -> Measure:
        parts = []
        for selection in node.selection_set.selections:
            if isinstance(selection, FieldNode):
                parts.append(of_field(selection, type))
                continue
            fragment: FragmentDefinitionNode | InlineFragmentNode
            if isinstance(selection, FragmentSpreadNode):
                fragment = fragments[selection.name.value]
            else:
                assert isinstance(selection, InlineFragmentNode)
                fragment = selection
            condition = fragment.type_condition
            inside = count(fragment, SCHEMA.get_type(condition.name.value) if condition else type)
            parts.append(Measure(inside.depth + 1, inside.fields, inside.cost, inside.rows))
        return Measure(
            max(part.depth for part in parts),
            sum(part.fields for part in parts),
            sum(part.cost for part in parts),
            sum(part.rows for part in parts),
        )

    def of_field(node: FieldNode, parent: Any) -> Measure:
        if not node.selection_set:
            return Measure(1, 1, 1)
        field = parent.fields[node.name.value]
        below = count(node, get_named_type(field.type))
        depth, fields = below.depth + 1, below.fields + 1
        if node.name.value == "edges":
            return Measure(depth, fields, 1, below.cost)
        if "first" not in field.args:
            is_list = isinstance(get_nullable_type(field.type), GraphQLList)
            return Measure(depth, fields, 1 + below.cost * (LIST if is_list else 1))
        rows = page(node, field.args["first"].default_value)
        if node.name.value == "users":
            return Measure(depth, fields, 1 + rows * below.cost)
        return Measure(depth, fields, 1 + below.cost + rows * below.rows)

    def page(node: FieldNode, otherwise: int) -> int:
        said = print_ast(node.arguments[0].value) if node.arguments else "null"
        given = {"$n": 100, "$none": 100} if variables is None else {"$n": 3, "$none": otherwise}
        return {"0": 0, "7": 7, "5000": 100, "null": otherwise, **given}[said]

    (operation,) = (n for n in ast.definitions if isinstance(n, OperationDefinitionNode))
    return count(operation, SCHEMA.query_type)


@given(documents())
def test_remembering_changes_no_measure(text: str) -> None:
    ast = parse(text)
    (operation,) = (n for n in ast.definitions if isinstance(n, OperationDefinitionNode))
    for variables in (None, VARIABLES):
        assert Pass(SCHEMA, ast, variables).operation(operation) == naive(text, variables)


def test_the_documentation_has_the_numbers() -> None:
    page = (Path(tests.__file__).parents[1] / "docs" / "security.md").read_text()
    told = re.search(r"A document has at most .* They hold at most .*?\.", " ".join(page.split()))
    assert told
    assert [int(number.replace(",", "")) for number in re.findall(r"\d[\d,]*\d", told[0])] == [
        limits.MAX_CHARACTERS,
        limits.MAX_STRANGERS_CHARACTERS,
        limits.MAX_TOKENS,
        limits.MAX_DEPTH,
        limits.MAX_ALIASES,
        limits.MAX_DIRECTIVES,
        limits.MAX_SPREADS,
        limits.MAX_FIELDS,
        limits.MAX_COST,
        limits.MAX_VALUES,
        MAX_IDS,
    ]
