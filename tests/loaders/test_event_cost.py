"""What an event costs, however many follow the channel."""

import pytest

import realtime.follower
from storage import members
from storage.events import READ_AFTER
from tests.loaders.counting import Counted
from tests.loaders.crowd import crowd
from tests.loaders.listening import following
from tests.world import World

ADDED = """
subscription ($id: ID!) {
  messageAdded(channelId: $id) { id content sender { name } mentions { name } replyCount }
}
"""

EVENTS = """
subscription ($id: ID!) {
  channelEvents(channelId: $id) {
    cursor occurredAt actor { name }
    ... on MessageSent {
      message {
        content sender { name } parent { content sender { name } } mentions { name }
        reactions { emoji users { name } } attachments { url uploader { name } }
      }
    }
  }
}
"""


HEARD = "subscription ($id: ID!) { messageAdded(channelId: $id) { id } }"

OWN = """
subscription ($id: ID!) {
  messageAdded(channelId: $id) {
    content sender { name } mentions { name } clientMessageId reactions { viewerHasReacted }
  }
}
"""


@pytest.fixture(autouse=True)
def no_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has moved is heard from the bell; a poll in the same moment may read it twice."""
    monkeypatch.setattr(realtime.follower, "POLL_SECONDS", 60.0)


@pytest.mark.parametrize("subscribers", [1, 20])
@pytest.mark.parametrize(
    ("query", "statements"),
    [
        # The log, and who is mentioned.
        (ADDED, 2),
        # The log; parent, reactions, attachments and mentions.
        (EVENTS, 5),
        # The log; mentions and reactions, from which each viewer's own follows.
        (OWN, 3),
    ],
    ids=["messageAdded", "channelEvents", "the viewer's own"],
)
async def test_an_event_costs_the_same_for_one_and_for_twenty_subscribers(
    world: World, counted: Counted, subscribers: int, query: str, statements: int
) -> None:
    unknown = [await world.new_person(name) for name in ("Starter", "Sender", "Mentioned")]
    starter, sender, mentioned = unknown
    channel = await world.carol.create_channel(*unknown)
    people = await crowd(world, subscribers)
    async with world.database.transaction() as transaction:
        await members.add(transaction, channel, people)
    root = await starter.say(channel, "Root")
    async with following(counted, query, people, id=channel) as inboxes:
        # The first tells that all of them listen, and wakes whatever still slept.
        await world.carol.say(channel, "Are you there?")
        for inbox in inboxes:
            await inbox.next()
        counted.forget()
        await sender.say(channel, "Hello", parentId=root, mentionedUserIds=[mentioned.id])
        results = [await inbox.next() for inbox in inboxes]
        assert len(counted.statements) == statements, counted.statements
        assert counted.statements[0] == READ_AFTER
        assert counted.mongo == ["users"]
    assert all(result == results[0] for result in results)
    (event,) = results[0].values()
    message = event.get("message", event)
    assert message["content"] == "Hello"
    assert message["sender"]["name"] == "Sender"
    assert message["mentions"] == [{"name": "Mentioned"}]


async def test_a_field_of_the_viewer_s_own_is_worked_out_for_each_viewer_and_right(
    world: World, counted: Counted
) -> None:
    channel = await world.carol.create_channel(world.dave)
    query = """
        subscription ($id: ID!) { messageAdded(channelId: $id) { content clientMessageId } }
    """
    both = [world.carol.id, world.dave.id]
    async with following(counted, query, both, id=channel) as (carols, daves):
        await world.carol.say(channel, "Hello", clientMessageId="one")
        assert (await carols.next())["messageAdded"]["clientMessageId"] == "one"
        assert (await daves.next())["messageAdded"]["clientMessageId"] is None


async def test_what_happens_in_many_channels_within_a_moment_is_read_in_one_statement(
    world: World, counted: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(realtime.follower, "GATHER_SECONDS", 0.5)
    channels = [await world.carol.create_channel(world.dave) for _ in range(4)]
    async with world.dave.socket() as socket:
        heard = [await socket.subscribe(HEARD, id=channel) for channel in channels]
        for channel in channels:
            await world.followed(channel)
        counted.forget()
        # The first is read at once, and what comes soon after it, together.
        for channel in channels:
            await world.carol.say(channel)
        for operation in heard:
            await operation.next()
    assert counted.statements.count(READ_AFTER) <= 2
