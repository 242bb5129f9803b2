"""What a page of messages costs, whatever is on it."""

import pytest

from storage import channels
from tests.loaders.counting import Counted
from tests.loaders.crowd import busy_page, message
from tests.operations import do
from tests.realtime.following import write
from tests.world import World

NODE = """
    id content replyCount
    sender { id name isActive }
    parent { id sender { id name } }
    mentions { id name }
    reactions { emoji count users { id name } viewerHasReacted }
    attachments { id fileName url uploader { id name } }
"""

CHANNEL = f"""
query ($id: ID!) {{
  channel(id: $id) {{ id messages(last: 50) {{ edges {{ cursor node {{ {NODE} }} }}
    pageInfo {{ hasPreviousPage startCursor }} }} }}
}}
"""

THREAD = f"""
query ($id: ID!) {{
  message(id: $id) {{ id replies(first: 50) {{ edges {{ cursor node {{ {NODE} }} }}
    pageInfo {{ hasNextPage endCursor }} }} }}
}}
"""

ROWS = [1, 50]


@pytest.mark.parametrize("rows", ROWS)
async def test_a_page_of_a_channel_takes_five_statements_and_one_query_for_all_its_people(
    world: World, counted: Counted, rows: int
) -> None:
    channel, _ = await busy_page(world, world.carol, rows)
    data = await counted.run(world.carol, CHANNEL, id=channel)
    # The channel with the viewer's place in it; messages, reactions, attachments, mentions.
    assert len(counted.statements) == 5, counted.statements
    assert counted.mongo == ["users"]
    nodes = [edge["node"] for edge in data["channel"]["messages"]["edges"]]
    assert len(nodes) == rows
    for node in nodes:
        people = [
            node["sender"],
            *node["mentions"],
            *(person for reaction in node["reactions"] for person in reaction["users"]),
            *(file["uploader"] for file in node["attachments"]),
        ]
        assert len(people) == 5
        assert all(person["name"].startswith("Person ") for person in people)


@pytest.mark.parametrize("rows", ROWS)
async def test_a_page_of_a_thread_takes_seven_statements_and_one_query_for_all_its_people(
    world: World, counted: Counted, rows: int
) -> None:
    _, root = await busy_page(world, world.carol, rows, in_thread=True)
    data = await counted.run(world.carol, THREAD, id=root)
    # The root; its channel and the viewer's place there; the replies; their parent, reactions,
    # attachments, mentions.
    assert len(counted.statements) == 7, counted.statements
    assert counted.mongo == ["users"]
    nodes = [edge["node"] for edge in data["message"]["replies"]["edges"]]
    assert len(nodes) == rows
    for node in nodes:
        assert node["parent"]["id"] == root
        assert node["parent"]["sender"]["name"].startswith("Person ")


async def test_a_page_that_asks_for_nothing_nested_reads_nothing_nested(
    world: World, counted: Counted
) -> None:
    channel, _ = await busy_page(world, world.carol, 2)
    query = "query ($id: ID!) { channel(id: $id) { messages { edges { node { id content } } } } }"
    await counted.run(world.carol, query, id=channel)
    assert len(counted.statements) == 2, counted.statements
    assert counted.mongo == []


async def test_only_the_parent_s_sender_is_one_query_too(world: World, counted: Counted) -> None:
    _, root = await busy_page(world, world.carol, 3, in_thread=True)
    query = """
        query ($id: ID!) { message(id: $id) { replies { edges { node { parent { sender { name } } }
        } } } }
    """
    await counted.run(world.carol, query, id=root)
    assert len(counted.statements) == 4, counted.statements
    assert counted.mongo == ["users"]


@pytest.mark.parametrize("rows", ROWS)
async def test_a_page_written_with_fragments_costs_no_more(
    world: World, counted: Counted, rows: int
) -> None:
    channel, _ = await busy_page(world, world.carol, rows)
    query = """
        query ($id: ID!) { channel(id: $id) { ...Page } }
        fragment Page on Channel { messages { edges { ... on MessageEdge { node { ...Row } } } } }
        fragment Row on Message {
          ...Said
          ... on Message { from: sender { name } }
          reactions { users { name } }
        }
        fragment Said on Message { content mentions { name } attachments { uploader { name } } }
    """
    await counted.run(world.carol, query, id=channel)
    assert len(counted.statements) == 5, counted.statements
    assert counted.mongo == ["users"]


async def test_more_people_of_a_reaction_than_are_read_ahead_are_one_query_more(
    world: World, counted: Counted
) -> None:
    channel, _ = await busy_page(world, world.carol, 50)
    database = world.database
    await database.execute(
        "insert into reactions (message_id, emoji, user_id, place)"
        " select id, '👍', substr(md5(n::text), 1, 24), 1"
        " from messages, generate_series(1, 40) n where channel_id = $1",
        channel,
    )
    query = """
        query ($id: ID!) { channel(id: $id) { messages { edges { node { sender { name }
        reactions { count users(first: 100) { id } } } } } } }
    """
    data = await counted.run(world.carol, query, id=channel)
    assert len(counted.statements) == 3, counted.statements
    assert counted.mongo == ["users", "users"]
    nodes = [edge["node"] for edge in data["channel"]["messages"]["edges"]]
    assert all(len(node["reactions"][0]["users"]) == 41 for node in nodes)


@pytest.mark.parametrize("rows", ROWS)
async def test_earlier_texts_and_last_replies_are_one_statement_each(
    world: World, counted: Counted, rows: int
) -> None:
    channel, _ = await busy_page(world, world.carol, rows)
    await _answered(world, channel)
    query = """
        query ($id: ID!) { channel(id: $id) { messages { edges { node { sender { name }
        revisions { content editedAt } lastReply { id sender { name } } } } } } }
    """
    data = await counted.run(world.carol, query, id=channel)
    # The channel with the viewer's place in it; messages, revisions, last replies.
    assert len(counted.statements) == 4, counted.statements
    assert counted.mongo == ["users"]
    nodes = [edge["node"] for edge in data["channel"]["messages"]["edges"]]
    assert len(nodes) == rows
    for node in nodes:
        assert [revision["content"] for revision in node["revisions"]] == ["Before"]
        assert node["lastReply"]["sender"]["name"].startswith("Person ")


@pytest.mark.parametrize("rows", ROWS)
async def test_what_is_pinned_is_read_as_a_page_is(
    world: World, counted: Counted, rows: int
) -> None:
    channel, _ = await busy_page(world, world.carol, rows)
    await world.database.execute(
        "update messages set pinned_at = now() where channel_id = $1", channel
    )
    query = f"query ($id: ID!) {{ channel(id: $id) {{ pinnedMessages {{ {NODE} }} }} }}"
    data = await counted.run(world.carol, query, id=channel)
    assert len(data["channel"]["pinnedMessages"]) == rows
    assert len(counted.statements) == 5, counted.statements
    assert counted.mongo == ["users"]


@pytest.mark.parametrize("rows", ROWS)
async def test_who_has_read_is_one_statement_for_the_whole_page(
    world: World, counted: Counted, rows: int
) -> None:
    channel = await world.carol.create_channel(world.dave, world.erin)
    await write(world, channel, world.carol, ["Hello"] * rows)
    for person in (world.dave, world.erin):
        await do(person, "markRead", channelId=channel)
    query = """
        query ($id: ID!) { channel(id: $id) { messages { edges { node { sender { name }
        readBy { totalCount edges { node { readAt user { name } } } } } } } } }
    """
    data = await counted.run(world.carol, query, id=channel)
    # The channel with the viewer's place in it; messages, receipts.
    assert len(counted.statements) == 3, counted.statements
    assert counted.mongo == ["users"]
    said = [
        edge["node"]
        for edge in data["channel"]["messages"]["edges"]
        if edge["node"]["sender"]["name"] == "Carol Clark"
    ]
    assert len(said) >= min(rows, 47)
    for node in said:
        assert node["readBy"]["totalCount"] == 2


async def _answered(world: World, channel: str) -> None:
    """Every message of the channel is edited, and replied to by its sender."""
    async with world.database.transaction() as transaction:
        await channels.lock(transaction, channel)
        rows = await transaction.fetch(
            "select id::text, sender_id from messages where channel_id = $1", channel
        )
        for id, sender in rows:
            await message(transaction, channel, sender, id, [])
            await transaction.execute(
                "insert into revisions (message_id, number, content, edited_at)"
                " values ($1, 0, 'Before', now())",
                id,
            )
