"""What real clients send is far from every limit."""

import re
from pathlib import Path

import pytest
from graphql import OperationDefinitionNode, get_introspection_query

from resolvers.inputs import MAX_IDS
from schema import graphql_schema
from schema.documents import Documents
from schema.limits import MAX_COST, MAX_VALUES, check_variables
from schema.measure import check_cost
from storage.errors import ErrorCode, Refusal
from tests.security.corpus import times

ROOT = Path(__file__).parents[2]

MESSAGE = """
    fragment Message on Message {
      __typename id channelId content contentType replyCount isEdited editedAt isDeleted
      clientMessageId createdAt
      sender { ...Person } mentions { ...Person }
      reactions { emoji count viewerHasReacted }
      attachments { id fileName fileSize mimeType width height url thumbnailUrl }
    }
    fragment Person on User { __typename id name avatarUrl isActive }
"""
PAGE = """
    query Page($id: ID!, $before: String, $replies: Int) {
      channel(id: $id) {
        __typename id name cursor
        messages(last: 50, before: $before) {
          edges {
            cursor
            node { ...Message replies%s { edges { cursor node { ...Message } } } }
          }
          pageInfo { hasPreviousPage startCursor }
        }
      }
    }
"""


def component(number: int) -> str:
    """A component's own fragment, as Relay and Apollo have their users write them."""
    return (
        f"fragment C{number} on Message {{ __typename id content createdAt isEdited"
        f" sender {{ id name }} reactions {{ emoji }} }}"
    )


COMPONENTS = (
    "query ($id: ID!) { channel(id: $id) { messages(last: 50) { edges { node {"
    + times(20, lambda i: f"...C{i}")
    + "} } } } }"
    + times(20, component)
)

DOCUMENTS = {
    **{
        path.stem: path.read_text() for path in (ROOT / "web/graphiql/operations").glob("*.graphql")
    },
    **{
        f"README {number}": text
        for number, text in enumerate(
            re.findall("```graphql\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
        )
    },
    "introspection": get_introspection_query(
        descriptions=True,
        specified_by_url=True,
        directive_is_repeatable=True,
        schema_description=True,
        input_value_deprecation=True,
    ),
    "a page with threads": (PAGE % "").replace(", $replies: Int", "") + MESSAGE,
    "a page with small threads": (PAGE % "(first: 3)").replace(", $replies: Int", "") + MESSAGE,
    "twenty components": COMPONENTS,
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_clients_send_may_be_asked_with_any_variables(name: str) -> None:
    documents = Documents(graphql_schema(), introspection=True)
    assert max(documents.get(DOCUMENTS[name]).costs.values()) <= MAX_COST


def test_all_kinds_of_documents_were_found() -> None:
    assert len([name for name in DOCUMENTS if name.startswith("README")]) >= 5
    assert {"History", "LiveChannel", "MyChannels", "SendMessage"} <= DOCUMENTS.keys()


@pytest.mark.parametrize(
    ("size", "is_allowed"), [(None, True), (0, True), (50, True), (100, False)]
)
def test_pages_by_variables_cost_what_the_variables_say(size: int | None, is_allowed: bool) -> None:
    document = Documents(graphql_schema(), introspection=True).get(
        PAGE % "(first: $replies)" + MESSAGE
    )
    operation = document.operation(None)
    assert isinstance(operation, OperationDefinitionNode)
    assert document.costs["Page"] > MAX_COST
    variables = {"id": "1", "replies": size}
    if is_allowed:
        check_cost(graphql_schema(), document.ast, operation, variables)
        check_cost(graphql_schema(), document.ast, operation, {"id": "1"})
    else:
        with pytest.raises(Refusal, match=f"{MAX_COST:,}") as refused:
            check_cost(graphql_schema(), document.ast, operation, variables)
        assert refused.value.code == ErrorCode.QUERY_TOO_COMPLEX


def test_the_longest_list_that_is_taken_may_be_sent() -> None:
    ast = Documents(graphql_schema(), introspection=True).get("{ __typename }").ast
    check_variables({"input": {"name": "a", "memberIds": ["1"] * MAX_IDS}}, ast)
    with pytest.raises(Refusal, match="values") as refused:
        check_variables({"input": [["1"] * (MAX_VALUES // 2)] * 2}, ast)
    assert refused.value.code == ErrorCode.QUERY_TOO_COMPLEX
