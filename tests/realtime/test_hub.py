"""Races that have to be forced: who comes, goes or fails just while an event is being rendered."""

import asyncio

import pytest
from structlog.testing import capture_logs

from realtime.cohorts import Cohort, Signal
from realtime.hub import AT_A_STRETCH, Hub, Topic
from realtime.source import Together, settled
from storage.errors import ErrorCode
from storage.events import Typed
from storage.records import EventKind, EventRecord
from tests.realtime.followers import CHANNEL, Follower, Rendering, given_out, happened, sent


async def test_events_fed_while_one_is_rendered_follow_in_order() -> None:
    topic, rendering = Topic(CHANNEL), Rendering()
    one = Follower(topic, topic.cohort("one", rendering))
    topic.feed([sent(1, "1")])
    await rendering.has_begun()
    topic.feed([sent(2, "2"), sent(3, "3")])
    topic.feed([sent(4, "4")])
    assert topic.fed == 4
    rendering.open.set()
    await given_out(topic)
    assert one.got == [b"1", b"2", b"3", b"4"]


async def test_who_has_it_already_is_not_given_it_again() -> None:
    topic, rendering = Topic(CHANNEL), Rendering()
    cohort = topic.cohort("one", rendering)
    behind = Follower(topic, cohort)
    topic.feed([sent(1, "1"), sent(2, "2")])
    await rendering.has_begun()
    ahead = Follower(topic, cohort, at=1)
    rendering.open.set()
    await given_out(topic)
    assert behind.got == [b"1", b"2"]
    assert ahead.got == [b"2"]


async def test_who_leaves_while_an_event_is_rendered_is_not_given_it() -> None:
    topic, rendering = Topic(CHANNEL), Rendering()
    cohort = topic.cohort("one", rendering)
    leaves, stays = Follower(topic, cohort), Follower(topic, cohort)
    topic.feed([sent(1)])
    await rendering.has_begun()
    leaves.leave()
    rendering.open.set()
    await given_out(topic)
    assert leaves.got == []
    assert stays.got == [b"Hello"]


async def test_a_position_left_out_ends_with_resync_and_others_go_on() -> None:
    topic, rendering = Topic(CHANNEL), Rendering()
    rendering.open.set()
    cohort = topic.cohort("one", rendering)
    behind = [Follower(topic, cohort) for _ in range(3)]
    there = Follower(topic, cohort, at=4)
    with capture_logs() as logs:
        topic.feed([sent(5, "5")])
        await given_out(topic)
    assert [line["event"] for line in logs] == ["hub.gap"] * 3
    for each in behind:
        assert each.got == []
        assert each.refusal is not None
        assert each.refusal.code is ErrorCode.RESYNC_REQUIRED
    assert cohort.subscribers == {there.subscriber}
    assert there.got == [b"5"]


async def test_what_cannot_be_rendered_ends_those_it_is_for_and_nobody_else() -> None:
    topic = Topic(CHANNEL)
    broken, sound = Rendering(fails=ZeroDivisionError()), Rendering()
    broken.open.set()
    sound.open.set()
    ended = [Follower(topic, topic.cohort("broken", broken)) for _ in range(3)]
    goes_on = Follower(topic, topic.cohort("sound", sound))
    with capture_logs() as logs:
        topic.feed([sent(1, "1"), sent(2, "2")])
        await given_out(topic)
    assert [line["event"] for line in logs] == ["hub.render"]
    assert [each.refusal and each.refusal.code for each in ended] == [ErrorCode.RESYNC_REQUIRED] * 3
    assert goes_on.got == [b"1", b"2"]


async def test_what_fails_at_once_ends_those_it_is_for_and_nobody_else() -> None:
    def broken(_: Signal, __: Together) -> bytes:
        raise ZeroDivisionError

    topic = Topic(CHANNEL)
    ended = Follower(topic, topic.cohort("broken", broken))
    goes_on = Follower(topic, topic.cohort("sound", lambda *_: b"rendered"))
    with capture_logs() as logs:
        topic.feed([sent(1), sent(2)])
        await given_out(topic)
    assert [line["event"] for line in logs] == ["hub.render"]
    assert ended.refusal is not None
    assert ended.refusal.code is ErrorCode.RESYNC_REQUIRED
    assert goes_on.got == [b"rendered"] * 2


async def test_what_needs_no_waiting_is_given_out_at_once() -> None:
    topic = Topic(CHANNEL)
    one = Follower(topic, topic.cohort("one", lambda *_: b"rendered"))
    topic.feed([sent(1)])
    assert one.got == [b"rendered"]
    # Of several only the first: others have their turn in between.
    topic.feed([sent(2), sent(3)])
    assert len(one.got) == 2
    await given_out(topic)
    assert len(one.got) == 3


async def test_what_comes_while_something_is_given_out_at_once_follows_it() -> None:
    topic = Topic(CHANNEL)
    fed: list[Signal] = []

    def render(signal: Signal, _: Together) -> bytes:
        assert isinstance(signal, EventRecord)
        if not fed:
            fed.append(signal)
            topic.feed([sent(2)])
        return str(signal.position).encode()

    one = Follower(topic, topic.cohort("one", render))
    other = Follower(topic, topic.cohort("other", render))
    topic.feed([sent(1)])
    await given_out(topic)
    assert one.got == other.got == [b"1", b"2"]


async def test_many_cohorts_are_told_in_stretches_and_share_what_is_read() -> None:
    """Thousands may each have one of their own; the others on this process go on meanwhile."""
    topic = Topic(CHANNEL)
    shared = []

    def render(_: Signal, together: Together) -> bytes:
        shared.append(together)
        return b"rendered"

    count = 3 * AT_A_STRETCH
    everybody = [Follower(topic, topic.cohort(number, render)) for number in range(count)]
    topic.feed([sent(1)])
    assert sum(len(each.got) for each in everybody) == AT_A_STRETCH
    await given_out(topic)
    assert [each.got for each in everybody] == [[b"rendered"]] * count
    assert all(together is shared[0] for together in shared)
    topic.feed([sent(2)])
    assert shared[-1] is not shared[0]


async def test_what_failed_to_render_is_tried_again() -> None:
    """MongoDB or PostgreSQL may have been out of reach for a moment."""
    rendering = Rendering(fails=ZeroDivisionError())
    rendering.open.set()
    cohort = Cohort(rendering)
    with pytest.raises(ZeroDivisionError):
        await settled(cohort.payload(sent(1), {}))
    rendering.fails = None
    assert await settled(cohort.payload(sent(1), {})) == b"Hello"


async def test_many_who_ask_at_once_wait_for_one_rendering() -> None:
    rendering = Rendering()
    cohort = Cohort(rendering)
    asking = [asyncio.create_task(settled(cohort.payload(sent(1), {}))) for _ in range(5)]
    await rendering.has_begun()
    asking.pop().cancel()
    rendering.open.set()
    assert await asyncio.gather(*asking) == [b"Hello"] * 4
    assert await settled(cohort.payload(sent(1), {})) == b"Hello"
    assert len(rendering.begun) == 1


async def test_what_was_deleted_is_not_given_as_it_was() -> None:
    """Somebody who came back read the log before the deletion and is rendering it only now."""
    topic, rendering = Topic(CHANNEL), Rendering()
    rendering.open.set()
    cohort = topic.cohort("one", rendering)
    Follower(topic, cohort, at=1)
    topic.feed([happened(2, EventKind.MESSAGE_DELETED, None)])
    await given_out(topic)
    assert await settled(cohort.payload(sent(1, "secret"), {})) == b"secret"
    assert await settled(cohort.payload(sent(1, deleted=True), {})) == b""


async def test_what_one_cohort_does_not_want_it_passes_over() -> None:
    topic, rendering = Topic(CHANNEL), Rendering()
    rendering.open.set()
    one = Follower(topic, topic.cohort("one", rendering))
    topic.feed([happened(1, EventKind.REACTION_ADDED, "carol"), sent(2, "2")])
    await given_out(topic)
    assert one.got == [b"2"]
    assert one.refusal is None


async def test_typing_is_given_out_between_events_and_takes_no_position() -> None:
    topic, rendering = Topic(CHANNEL), Rendering()
    rendering.open.set()
    cohort = topic.cohort("one", rendering)
    other, own = Follower(topic, cohort), Follower(topic, cohort, "carol")
    topic.feed([sent(1, "1"), Typed(CHANNEL, "carol", True)])
    assert topic.fed == 1
    topic.feed([sent(2, "2")])
    await given_out(topic)
    assert other.got == [b"1", b"carol types", b"2"]
    assert own.got == [b"1", b"2"]


@pytest.mark.parametrize(
    ("events", "is_guest", "granted", "lasts"),
    [
        ([happened(1, EventKind.MEMBER_LEFT, "dave")], False, 0, False),
        ([happened(1, EventKind.MEMBER_LEFT, "dave")], True, 0, False),
        ([happened(1, EventKind.MEMBER_LEFT, "erin")], False, 0, True),
        # Before they were let in is history.
        ([happened(1, EventKind.MEMBER_LEFT, "dave")], False, 1, True),
        ([happened(1, EventKind.CHANNEL_UPDATED, None, "private")], True, 0, False),
        ([happened(1, EventKind.CHANNEL_UPDATED, None, "private")], True, 1, True),
        ([happened(1, EventKind.CHANNEL_UPDATED, None, "private")], False, 0, True),
        ([happened(1, EventKind.CHANNEL_UPDATED, None)], True, 0, True),
        (
            [
                happened(1, EventKind.MEMBER_JOINED, "dave"),
                happened(2, EventKind.CHANNEL_UPDATED, None, "private"),
            ],
            True,
            0,
            True,
        ),
        (
            [
                happened(1, EventKind.MEMBER_JOINED, "erin"),
                happened(2, EventKind.CHANNEL_UPDATED, None, "private"),
            ],
            True,
            0,
            False,
        ),
        (
            [
                happened(1, EventKind.MEMBER_JOINED, "dave"),
                happened(2, EventKind.MEMBER_LEFT, "dave"),
            ],
            True,
            0,
            False,
        ),
    ],
)
async def test_who_may_not_read_any_more_gets_nothing_that_comes_after(
    events: list[EventRecord], is_guest: bool, granted: int, lasts: bool
) -> None:
    topic, rendering = Topic(CHANNEL), Rendering()
    rendering.open.set()
    one = Follower(topic, topic.cohort("one", rendering), granted=granted, is_guest=is_guest)
    topic.feed([*events, sent(len(events) + 1)])
    await given_out(topic)
    assert one.got == ([b"Hello"] if lasts else [])
    assert (one.refusal is None) is lasts
    if one.refusal:
        assert one.refusal.code is ErrorCode.FORBIDDEN


def test_a_topic_is_kept_while_somebody_is_in_it_or_on_the_way() -> None:
    hub = Hub()
    topic = hub.topic(CHANNEL)
    topic.waiting += 1
    hub.leave(topic)
    assert hub.topic(CHANNEL) is topic
    topic.waiting -= 1
    one = Follower(topic, topic.cohort("one", Rendering()))
    topic.cohort("nobody", Rendering())
    hub.leave(topic)
    assert list(topic.cohorts) == ["one"]
    assert hub.topic(CHANNEL) is topic
    one.leave()
    hub.leave(topic)
    assert hub.topics == {}


def test_who_leaves_late_does_not_take_away_a_newer_topic() -> None:
    hub = Hub()
    old = hub.topic(CHANNEL)
    hub.leave(old)
    new = hub.topic(CHANNEL)
    hub.leave(old)
    assert hub.topics == {CHANNEL: new}
