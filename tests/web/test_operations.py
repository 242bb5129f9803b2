"""What stands in the tabs: every operation is valid, and its comment fits the editor."""

from importlib.resources import files
from pathlib import Path

import pytest
from graphql import OperationDefinitionNode, build_schema, parse, validate

SCHEMA = Path(__file__).parents[2] / "schema" / "schema.graphql"
OPERATIONS = sorted(
    file.name.removesuffix(".graphql")
    for file in (files("web") / "graphiql" / "operations").iterdir()
)
EDITOR_COLUMNS = 57  # what a window of 1400 pixels shows


def text_of(name: str) -> str:
    return (files("web") / "graphiql" / "operations" / f"{name}.graphql").read_text()


@pytest.mark.parametrize("name", OPERATIONS)
def test_operation_is_valid_and_called_like_its_tab(name: str) -> None:
    document = parse(text_of(name))
    [operation] = document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    assert operation.name
    assert operation.name.value == name
    assert validate(build_schema(SCHEMA.read_text()), document) == []


@pytest.mark.parametrize("name", OPERATIONS)
def test_operation_opens_with_what_to_try(name: str) -> None:
    lines = text_of(name).splitlines()
    assert lines[0].startswith("# ")
    assert max(map(len, lines)) <= EDITOR_COLUMNS
