"""What a page of found messages costs, whatever is on it."""

import pytest

from tests.loaders.counting import Counted
from tests.loaders.crowd import busy_page
from tests.loaders.test_page_cost import NODE, ROWS
from tests.world import World

SEARCH = f"""
query ($word: String!, $id: ID!) {{
  searchMessages(query: $word, filter: {{ channelId: $id }}, first: 50) {{
    edges {{ cursor snippet node {{ {NODE} channel {{ id name membership {{ role }} }} }} }}
    pageInfo {{ hasNextPage endCursor }}
  }}
}}
"""


@pytest.mark.parametrize("rows", ROWS)
async def test_found_messages_take_six_statements_and_one_query_for_all_their_people(
    world: World, counted: Counted, rows: int
) -> None:
    channel, _ = await busy_page(world, world.carol, rows)
    database = world.database
    await database.execute("update messages set content = 'needle' where channel_id = $1", channel)
    data = await counted.run(world.carol, SEARCH, word="needle", id=channel)
    assert len(data["searchMessages"]["edges"]) == rows
    # The channel with the viewer's place in it; the words; the matches; reactions, attachments,
    # mentions.
    assert len(counted.statements) == 6, counted.statements
    assert counted.mongo == ["users"]
