from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from resolvers import inputs
from server.demo import cast
from server.demo.acts import Joined, Reacted, Sent, acts
from server.demo.history import HISTORY

# Every quarter of an hour of a week: the first start may be at any time.
NOWS = [datetime(2026, 3, 2, tzinfo=UTC) + timedelta(minutes=15 * n) for n in range(7 * 96)]


@pytest.mark.parametrize("key", cast.CHANNELS)
def test_whenever_it_is_told_the_history_is_past_and_in_the_order_written(key: str) -> None:
    for now in NOWS:
        happened = acts(cast.CHANNELS[key], HISTORY[key], now)
        assert isinstance(happened[0], Joined)
        assert all(before.at <= after.at for before, after in pairwise(happened))
        assert happened[-1].at <= now
        roots = [act.message for act in happened if isinstance(act, Sent) and act.root is None]
        assert roots == HISTORY[key]


@pytest.mark.parametrize("key", cast.CHANNELS)
def test_only_members_say_and_are_said_anything(key: str) -> None:
    members = cast.CHANNELS[key].members
    for act in acts(cast.CHANNELS[key], HISTORY[key], NOWS[0]):
        if isinstance(act, Sent):
            assert {act.message.who, *act.message.mentions, *act.message.read_by} <= set(members)
        elif isinstance(act, Reacted):
            assert act.who in members
            assert inputs.reaction(act.emoji) == act.emoji
