"""What the sidebar costs, however many channels it has."""

import pytest

from storage import channels, ids, members, reading
from tests.loaders.counting import Counted
from tests.loaders.crowd import crowd, message
from tests.world import Person, World

SIDEBAR = """
{
  viewer {
    user { id name }
    unread { messages mentions channels }
    channels(first: 100) {
      edges {
        cursor
        node {
          id type name memberCount unreadCount mentionCount lastMessageAt cursor
          lastMessage {
            id content sender { id name } mentions { id name }
            reactions { emoji users { id name } } attachments { id uploader { id name } }
          }
          membership { role isMuted isPinned lastReadAt invitedBy { id name } }
        }
      }
      pageInfo { hasNextPage endCursor }
    }
  }
}
"""


async def busy_person(world: World, count: int) -> Person:
    """Somebody in so many channels, each with one unread message of people of its own."""
    person = await world.new_person("Busy")
    people = await crowd(world, 2 * count)
    async with world.database.transaction() as transaction:
        for number in range(count):
            channel_id = ids.new_id()
            sender, mentioned = people[2 * number : 2 * number + 2]
            await channels.insert(
                transaction, channel_id, type="GROUP", created_by=sender, name=f"Room {number}"
            )
            await members.add(transaction, channel_id, [person.id], invited_by=sender)
            await members.add(transaction, channel_id, [sender, mentioned])
            await message(transaction, channel_id, sender, None, [mentioned, person.id])
    return person


@pytest.mark.parametrize("count", [1, 60])
async def test_the_sidebar_takes_seven_statements_and_one_query_for_all_its_people(
    world: World, counted: Counted, count: int
) -> None:
    person = await busy_person(world, count)
    data = await counted.run(person, SIDEBAR)
    # The total; the channels with the viewer's places; last messages; their reactions,
    # attachments, mentions; unread counts.
    assert len(counted.statements) == 7, counted.statements
    assert counted.mongo == ["users"]
    viewer = data["viewer"]
    nodes = [edge["node"] for edge in viewer["channels"]["edges"]]
    assert len(nodes) == count
    for node in nodes:
        assert (node["unreadCount"], node["mentionCount"]) == (1, 1)
        assert node["lastMessage"]["sender"]["name"].startswith("Person ")
        assert node["membership"]["invitedBy"] == node["lastMessage"]["sender"]
    assert viewer["unread"] == {"messages": count, "mentions": count, "channels": count}


@pytest.mark.parametrize("count", [1, 60])
async def test_a_page_of_members_takes_two_statements_and_one_query(
    world: World, counted: Counted, count: int
) -> None:
    channel = await world.carol.create_channel()
    people = await crowd(world, 2 * count)
    async with world.database.transaction() as transaction:
        for number in range(count):
            inviter, invited = people[2 * number : 2 * number + 2]
            await members.add(transaction, channel, [invited], invited_by=inviter)
    query = """
        query ($id: ID!) { channel(id: $id) { members(first: 100) { edges { cursor node {
          role joinedAt user { id name } invitedBy { id name } } } } } }
    """
    data = await counted.run(world.carol, query, id=channel)
    assert len(counted.statements) == 2, counted.statements
    assert counted.mongo == ["users"]
    owner, *others = [edge["node"] for edge in data["channel"]["members"]["edges"]]
    assert owner["user"]["id"] == world.carol.id
    assert len(others) == count
    assert all(member["invitedBy"]["name"].startswith("Person ") for member in others)


async def test_the_counts_of_five_hundred_channels_are_one_statement(
    world: World, counted: Counted
) -> None:
    person = await busy_person(world, 500)
    data = await counted.run(person, "{ viewer { unread { messages mentions channels } } }")
    assert data["viewer"]["unread"] == {"messages": 500, "mentions": 500, "channels": 500}
    assert counted.statements == [reading.UNREAD]
    page = "{ viewer { channels(first: 100) { edges { node { unreadCount mentionCount } } } } }"
    await counted.run(person, page)
    assert counted.statements == [channels.SIDEBAR, reading.UNREAD]
