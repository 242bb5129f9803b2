"""What a change costs, however many have the channel in their sidebars."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from realtime import inboxes as realtime_inboxes
from storage import inbox, members, sidebars
from tests.loaders.counting import Counted
from tests.loaders.crowd import crowd
from tests.loaders.listening import following
from tests.operations import do
from tests.realtime.sidebars import following as sidebar
from tests.world import Person, World, until

WITH_PEOPLE = """
  id unreadCount mentionCount membership { isMuted }
  lastMessage {
    content sender { name } mentions { name } reactions { emoji users { name } }
    attachments { url }
  }
"""


@asynccontextmanager
async def by_hints_alone(counted: Counted) -> AsyncIterator[None]:
    """Nothing is looked for by the clock: whatever a poll finds before its hint has come is read
    with all the rest of that person's sidebar.
    """
    ours = counted.services.live.inboxes
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(realtime_inboxes, "POLL_SECONDS", 3_600.0)
        counted.forget()
        ours.look_everywhere()
        await until(lambda: sidebars.REVISIONS in counted.sql)
        yield
    ours.look_everywhere()


@pytest.mark.parametrize("viewers", [1, 100])
async def test_a_message_costs_the_same_for_one_and_for_a_hundred_inboxes(
    world: World, counted: Counted, viewers: int
) -> None:
    sender = await world.new_person("Sender")
    channel = await world.carol.create_channel(sender)
    people = await crowd(world, viewers)
    async with world.database.transaction() as transaction:
        await members.add(transaction, channel, people)
    async with following(counted, sidebar(WITH_PEOPLE), people) as inboxes:
        snapshots = [(await each.next())["inbox"] for each in inboxes]
        assert all([c["id"] for c in each["channels"]] == [channel] for each in snapshots)
        counted.forget()
        await sender.say(channel, "@channel: hello", mentionedUserIds=[sender.id])
        events = [(await each.next())["inbox"] for each in inboxes]
        # What moved, the places and their counts; the message, and what it has.
        assert counted.statements[:2] == [inbox.SINCE, inbox.PLACES]
        assert len(counted.statements) == 6, counted.statements
        assert counted.mongo == ["users"]
    for event in events:
        assert event["unread"] == {"messages": 1, "mentions": 1, "channels": 1}
        assert event["channel"]["unreadCount"] == event["channel"]["mentionCount"] == 1
        assert event["channel"]["lastMessage"]["sender"] == {"name": "Sender"}
        assert event["channel"]["lastMessage"]["mentions"] == [{"name": "Sender"}]


async def test_reading_costs_the_same_for_one_and_for_fifty_people(
    world: World, counted: Counted
) -> None:
    channel = await world.carol.create_channel()
    people = await crowd(world, 50)
    async with world.database.transaction() as transaction:
        await members.add(transaction, channel, people)
    await world.carol.say(channel)
    async with following(counted, sidebar("id unreadCount"), people) as inboxes:
        for each in inboxes:
            assert (await each.next())["inbox"]["unread"]["messages"] == 1
        async with by_hints_alone(counted):
            counted.forget()
            for id in people:
                await do(Person(world, id, id), "markRead", channelId=channel)
            for each in inboxes:
                assert (await each.next())["inbox"]["channel"] == {"id": channel, "unreadCount": 0}
            # As many as there are tenths of a second in which it was done, and not one for each.
            assert set(counted.statements) == {inbox.PLACES}
            assert len(counted.statements) < len(people)
