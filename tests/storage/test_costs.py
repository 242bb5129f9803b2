"""What the statements cost in big tables: an index serves each, from any place alike.

Counted in pages of the database that are looked at, not in seconds.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import asyncpg
import pytest

from storage import (
    attachments,
    channels,
    events,
    members,
    messages,
    pins,
    reactions,
    reading,
    receipts,
    revisions,
)
from storage.cursors import MAX_BIGINT
from storage.sight import Role, Sight, Standing
from tests.servers import Fresh
from tests.storage.big import (
    BUSY,
    MANY_CHANNELS,
    MESSAGES,
    OWN_CHANNELS,
    VIEWER,
    WRITER,
    Big,
    fill,
)
from tests.storage.plans import Plan

PAGE = 5
PAGE_10_000 = 9_999 * PAGE
"""The position after which the ten thousandth page begins."""

QUIET = f"{5_000:024}"
"""A member of the big channel who says nothing and is never named."""

POLICY = 4
"""Pages of ``members_user``: the viewer's channels, once for each statement."""

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)

pytestmark = pytest.mark.parametrize("generic", [False, True], ids=["planned", "generic"])


@pytest.fixture(scope="module")
async def big(fresh: Fresh) -> AsyncIterator[Big]:
    async with fresh.database() as url:
        connection = await asyncpg.connect(url)
        try:
            yield await fill(connection)
        finally:
            await connection.close()


async def plan_of(big: Big, generic: bool, statement: str, *args: Any) -> Plan:
    """The plan of a statement of an operation, none of whose tables may be read as a whole."""
    viewer = next((person for person in (QUIET, BUSY, WRITER) if person in args), VIEWER)
    sight = Sight(viewer, "", Standing.INTERNAL)
    return await _plan(big, generic, Role.APP, sight, statement, *args)


async def live_plan_of(big: Big, generic: bool, statement: str, *args: Any) -> Plan:
    """The same for a statement of the live side, which has no viewer."""
    return await _plan(big, generic, Role.LIVE, None, statement, *args)


async def _plan(
    big: Big, generic: bool, role: Role, sight: Sight | None, statement: str, *args: Any
) -> Plan:
    plan = await Plan.of(big.connection, statement, *args, generic=generic, role=role, sight=sight)
    assert plan.scanned == set()
    return plan


async def test_the_first_page_and_the_ten_thousandth_of_a_channel_cost_the_same(
    big: Big, generic: bool
) -> None:
    limit = PAGE + 1
    for statement, first, last in (
        (messages.PAGE_FORWARD, (0, MAX_BIGINT), (PAGE_10_000, MAX_BIGINT)),
        (messages.PAGE_BACKWARD, (0, MAX_BIGINT), (0, MESSAGES - PAGE_10_000 + 1)),
    ):
        for low, high in (first, last):
            plan = await plan_of(big, generic, statement, big.channel, low, high, limit)
            assert plan.indexes == {"messages_page", "members_user"}
            assert (plan.sorted, plan.discarded) == (0, 0)
            assert plan.buffers <= limit + 4 + POLICY


async def test_the_first_page_and_the_ten_thousandth_of_a_thread_cost_the_same(
    big: Big, generic: bool
) -> None:
    for after in (0, MESSAGES + PAGE_10_000):
        plan = await plan_of(big, generic, messages.THREAD, big.root, after, PAGE + 1)
        assert plan.indexes == {"messages_thread", "members_user"}
        assert (plan.sorted, plan.discarded) == (0, 0)
        assert plan.buffers <= PAGE + 1 + 4 + POLICY


async def test_the_first_page_of_members_and_the_last_cost_the_same(
    big: Big, generic: bool
) -> None:
    late = await big.connection.fetchval(
        "select max(joined_at) - interval '1 minute' from members where channel_id = $1",
        big.channel,
    )
    for after in (LONG_AGO, late):
        plan = await plan_of(big, generic, members.PAGE, big.channel, after, "", 51)
        assert plan.indexes == {"members_page", "members_user"}
        assert (plan.sorted, plan.discarded) == (0, 0)
        assert plan.buffers <= 10 + POLICY


async def test_fifty_thousand_unread_messages_are_counted_without_looking_at_them(
    big: Big, generic: bool
) -> None:
    plan = await plan_of(big, generic, reading.UNREAD, QUIET, [big.channel])
    assert plan.buffers <= 60


async def test_ten_thousand_of_them_being_ones_own_costs_a_few_pages_more(
    big: Big, generic: bool
) -> None:
    own = await big.connection.fetchval(
        "select count(*) from messages where sender_id = $1 and channel_id = $2",
        WRITER,
        big.channel,
    )
    assert own == MESSAGES / 5
    quiet = await plan_of(big, generic, reading.UNREAD, QUIET, [big.channel])
    plan = await plan_of(big, generic, reading.UNREAD, WRITER, [big.channel])
    assert plan.buffers <= quiet.buffers + 15
    assert "messages_own" in plan.indexes


async def test_counting_looks_at_unread_mentions_only(big: Big, generic: bool) -> None:
    named = await big.connection.fetchval(
        "select count(*) from mentions x join members m using (channel_id, user_id)"
        " where user_id = $1 and channel_id = $2 and position > read_position",
        VIEWER,
        big.channel,
    )
    assert named >= 50
    plan = await plan_of(big, generic, reading.UNREAD, VIEWER, [big.channel])
    assert plan.buffers <= 60 + 6 * named
    # And in the sidebar, a few for each other channel.
    everywhere = await plan_of(big, generic, reading.UNREAD, VIEWER, None)
    assert everywhere.buffers <= plan.buffers + 20 * OWN_CHANNELS


async def test_the_counts_of_a_sidebar_cost_a_few_pages_a_channel(big: Big, generic: bool) -> None:
    rows = await big.connection.fetch(
        "select channel_id::text from members where user_id = $1 and channel_id <> $2",
        BUSY,
        big.channel,
    )
    own = [row[0] for row in rows]
    assert len(own) == MANY_CHANNELS
    few = await plan_of(big, generic, reading.UNREAD, BUSY, own[:50])
    many = await plan_of(big, generic, reading.UNREAD, BUSY, own)
    assert many.buffers <= 20 * MANY_CHANNELS
    assert few.buffers <= 20 * 50 + 2 * MANY_CHANNELS


async def test_marking_fifty_thousand_messages_read_touches_one_row(
    big: Big, generic: bool
) -> None:
    newest = await big.connection.fetchval(
        "select id::text from messages where channel_id = $1 and position = $2",
        big.channel,
        MESSAGES,
    )
    for message_id in (newest, None):
        plan = await plan_of(big, generic, reading.MARK_READ, big.channel, QUIET, message_id)
        (update,) = (node for node in plan.nodes if node["Node Type"] == "ModifyTable")
        row = update["Plans"][0]
        assert row["Actual Rows"] == 1
        assert plan.buffers <= 40


async def test_the_log_is_read_from_anywhere_at_the_same_cost(big: Big, generic: bool) -> None:
    costs = []
    for after in (0, MESSAGES, 2 * MESSAGES - 100):
        plan = await live_plan_of(big, generic, events.READ_AFTER, [big.channel], [after], 100)
        assert {"events_pkey", "messages_pkey"} <= plan.indexes
        assert plan.discarded == 0
        costs.append(plan.buffers)
    # An event's own page is its neighbours' too; each message is looked up by its id.
    assert max(costs) <= 100 * 5 + 20
    assert max(costs) - min(costs) <= 20


async def test_nothing_new_in_many_channels_costs_little(big: Big, generic: bool) -> None:
    some = await some_channels(big)
    plan = await live_plan_of(big, generic, events.HEADS, some)
    assert plan.indexes == {"channels_pkey"}
    assert plan.buffers <= 4 * len(some)
    at_head = [2 * MESSAGES] * len(some)
    plan = await live_plan_of(big, generic, events.READ_AFTER, some, at_head, 500)
    assert plan.buffers <= 8 * len(some)


async def test_a_sidebar_costs_what_the_viewer_is_in_and_nothing_else(
    big: Big, generic: bool
) -> None:
    for order in ("RECENT_ACTIVITY", "NAME"):
        for unread_only in (False, True):
            filters = (None, False, None, unread_only, None, None)
            plan = await plan_of(big, generic, channels.SIDEBAR, VIEWER, order, *filters, 51)
            assert {"members_user", "channels_pkey"} <= plan.indexes
            assert plan.buffers <= (20 if unread_only else 10) * OWN_CHANNELS
    memberships = await plan_of(
        big, generic, channels.MEMBERSHIPS, await some_channels(big), VIEWER
    )
    assert memberships.buffers <= 8 * 60


async def test_read_receipts_cost_what_their_channels_have_members(big: Big, generic: bool) -> None:
    rows = await big.connection.fetch(
        "select channel_id::text from members where user_id = $1 and channel_id <> $2",
        VIEWER,
        big.channel,
    )
    small = [row[0] for row in rows]
    plan = await plan_of(big, generic, receipts.BY_CHANNELS, small, VIEWER, 100)
    assert plan.buffers <= 25 * len(small)
    places = small, [VIEWER] * len(small)
    plan = await live_plan_of(big, generic, receipts.MARKERS, *places, 100)
    assert plan.buffers <= 25 * len(small)
    # Of a large one nobody is told, and that is all that is looked at.
    plan = await plan_of(big, generic, receipts.BY_CHANNELS, [big.channel], VIEWER, 100)
    assert plan.buffers <= 10 + POLICY
    plan = await live_plan_of(big, generic, receipts.MARKERS, [big.channel], [VIEWER], 100)
    assert plan.buffers <= 10


async def test_pins_cost_what_is_pinned(big: Big, generic: bool) -> None:
    for statement, argument in ((pins.COUNT, big.channel), (pins.BY_CHANNELS, [big.channel])):
        plan = await plan_of(big, generic, statement, argument)
        assert plan.indexes == {"messages_pinned", "members_user"}
        assert plan.buffers <= 200


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (messages, "BY_IDS"),
        (messages, "MENTIONED"),
        (reactions, "BY_MESSAGES"),
        (attachments, "BY_MESSAGES"),
        (revisions, "BY_MESSAGES"),
        (messages, "LAST_REPLIES"),
    ],
)
async def test_what_hangs_on_a_page_costs_a_few_pages_a_message(
    big: Big, generic: bool, module: ModuleType, name: str
) -> None:
    rows = await big.connection.fetch(
        "select id::text from messages where channel_id = $1 and position > $2 limit 50",
        big.channel,
        MESSAGES // 2,
    )
    plan = await plan_of(big, generic, getattr(module, name), [row[0] for row in rows])
    assert plan.buffers <= 5 * len(rows)


async def some_channels(big: Big) -> list[str]:
    rows = await big.connection.fetch(
        "select id::text from channels where id <> $1 order by id limit 60", big.channel
    )
    return [row[0] for row in rows]
