"""GraphiQL's documentation and completion stand on the introspection query."""

from graphql import build_client_schema, get_introspection_query, print_schema
from graphql.utilities import lexicographic_sort_schema

from schema import graphql_schema
from tests.world import World


async def test_introspection_tells_the_whole_schema(world: World) -> None:
    """Without a token, as GraphiQL asks before anybody has signed in."""
    query = get_introspection_query(descriptions=True)
    answer = (await world.http.post("/graphql", json={"query": query})).json()
    assert "errors" not in answer
    told = build_client_schema(answer["data"])
    ours = graphql_schema()
    assert print_schema(lexicographic_sort_schema(told)) == print_schema(
        lexicographic_sort_schema(ours)
    )
