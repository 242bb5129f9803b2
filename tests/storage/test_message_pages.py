"""Pages of a channel and of a thread: every message once, in order, while others write."""

import asyncio
from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from resolvers import history
from resolvers.messages import Draft, send_message
from resolvers.viewer import sign_in
from storage import channels, events, ids
from storage.postgres import Database
from storage.records import EventKind
from tests.loaders.crowd import message
from tests.storage.walking import backward, forward, walks
from tests.world import World

SENDER = "0123456789abcdef01234567"


class Channel:
    """A channel that is written straight into the tables, and what was written."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.id = ids.new_id()
        self.messages: list[str] = []
        self.replies: list[str] = []

    async def begin(self) -> None:
        """Begin with something in the log that is no message, and a message to reply to."""
        async with self._database.transaction() as transaction:
            await channels.insert(
                transaction, self.id, type="GROUP", created_by=SENDER, name="Channel"
            )
        await self.write("em")

    async def write(self, kinds: str) -> None:
        """A message, reply or other event for each letter."""
        async with self._database.transaction() as transaction:
            await channels.lock(transaction, self.id)
            for kind in kinds:
                if kind == "e":
                    await events.append(
                        transaction, self.id, EventKind.CHANNEL_UPDATED, actor_id=SENDER
                    )
                elif kind == "m":
                    self.messages.append(await message(transaction, self.id, SENDER, None, []))
                else:
                    root = self.messages[0]
                    self.replies.append(await message(transaction, self.id, SENDER, root, []))


async def new_channel(world: World) -> Channel:
    channel = Channel(world.database)
    await channel.begin()
    return channel


KINDS = st.text("mre", max_size=12)
SIZES = st.integers(1, 7)


@walks
@given(start=KINDS, later=st.lists(KINDS, max_size=6), size=SIZES)
async def test_forward_visits_everything_up_to_the_newest(
    world: World, start: str, later: list[str], size: int
) -> None:
    channel = await new_channel(world)
    await channel.write(start)
    waiting = iter(later * 2)
    page = partial(
        history.channel_messages, world.owning, channel.id, first=size, last=None, before=None
    )
    thread = partial(history.replies, world.owning, channel.messages[0], first=size)

    async def more() -> None:
        await channel.write(next(waiting, ""))

    seen = await forward(lambda after: page(after=after), more)
    assert [edge.node.id for edge in seen] == channel.messages
    seen = await forward(lambda after: thread(after=after), more)
    assert [edge.node.id for edge in seen] == channel.replies


@walks
@given(start=KINDS, later=st.lists(KINDS, max_size=6), size=SIZES)
async def test_backward_visits_everything_that_was_there_at_the_start(
    world: World, start: str, later: list[str], size: int
) -> None:
    channel = await new_channel(world)
    await channel.write(start)
    there = list(channel.messages)
    waiting = iter(later)
    page = partial(
        history.channel_messages, world.owning, channel.id, first=None, last=size, after=None
    )

    async def more() -> None:
        await channel.write(next(waiting, ""))

    seen = await backward(lambda before: page(before=before), more)
    assert [edge.node.id for edge in seen] == there


@walks
@given(count=st.integers(0, 12), low=st.integers(0, 13), high=st.integers(0, 13), size=SIZES)
async def test_between_two_cursors_lies_what_lies_between_them(
    world: World, count: int, low: int, high: int, size: int
) -> None:
    channel = await new_channel(world)
    await channel.write("m" * count)
    there = channel.messages
    page = partial(history.channel_messages, world.owning, channel.id)
    edges = (await page(first=100, after=None, last=None, before=None)).edges
    after = edges[low].cursor if low < len(there) else None
    before = edges[high].cursor if high < len(there) else None
    between = there[low + 1 if after else 0 : high if before else None]

    first = await page(first=size, after=after, last=None, before=before)
    assert [edge.node.id for edge in first.edges] == between[:size]
    last = await page(first=None, after=after, last=size, before=before)
    assert [edge.node.id for edge in last.edges] == between[-size:]
    # A cursor stands at a message, so there is always one on its other side.
    more = len(between) > size
    assert first.page_info[:2] == (more or before is not None, after is not None)
    assert last.page_info[:2] == (before is not None, more or after is not None)


async def test_who_reads_on_while_eight_write_gets_all_of_it_in_the_channel_s_order(
    world: World,
) -> None:
    services = world.owning
    writers = [world.alice, world.carol, world.dave, world.erin] * 2
    channel_id = await world.carol.create_channel(*writers)
    written = 0

    async def write(number: int) -> None:
        nonlocal written
        viewer = await sign_in(services, writers[number].id, 60)
        for _ in range(15):
            await send_message(services, viewer, Draft(channel_id, f"from {number}"))
            written += 1

    async def read() -> list[str]:
        seen: list[str] = []
        after = None
        while len(seen) < 15 * len(writers):
            page = await history.channel_messages(
                services, channel_id, first=3, after=after, last=None, before=None
            )
            seen += [node.id for node in page.nodes]
            assert len(seen) == len(set(seen))
            after = page.page_info.end_cursor or after
        return seen

    async with asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(read())
        for number in range(len(writers)):
            tasks.create_task(write(number))
    rows = await world.database.fetch(
        "select id::text from messages where channel_id = $1 order by position", channel_id
    )
    assert reading.result() == [row[0] for row in rows]
