"""A cursor that cannot be served is refused: never silence, never a hole."""

import asyncio
from collections.abc import Callable

import pytest

from storage import cursors
from storage.cursors import MAX_BIGINT, CursorKind
from tests.realtime.following import EVENTS, MESSAGES, contents, place
from tests.world import RefusedError, World

SUBSCRIPTIONS = pytest.mark.parametrize("query", [MESSAGES, EVENTS], ids=["messages", "events"])


async def refused(world: World, query: str, channel: str, after: str) -> RefusedError:
    """The refusal of a subscription; the socket must live on and its channel have no follower."""
    async with world.dave.socket() as socket:
        operation = await socket.subscribe(query, id=channel, after=after)
        with pytest.raises(RefusedError) as refusal:
            await operation.next()
        await socket.settled()
        assert operation.is_silent
        assert channel not in world.services.live.hub.topics
    return refusal.value


@SUBSCRIPTIONS
async def test_another_epoch_has_to_be_fetched_anew(world: World, query: str) -> None:
    channel = await world.carol.create_channel(world.dave)
    cursor = await world.dave.cursor(channel)
    await world.database.execute("update channels set epoch = epoch + 1 where id = $1", channel)
    refusal = await refused(world, query, channel, cursor)
    assert refusal.code == "RESYNC_REQUIRED"


@SUBSCRIPTIONS
@pytest.mark.parametrize("ahead", [1, 1_000, None])
async def test_a_cursor_ahead_of_the_log_has_to_be_fetched_anew(
    world: World, query: str, ahead: int | None
) -> None:
    channel = await world.carol.create_channel(world.dave)
    epoch, head = place(channel, await world.dave.cursor(channel))
    position = MAX_BIGINT if ahead is None else head + ahead
    refusal = await refused(world, query, channel, cursors.encode_event(channel, epoch, position))
    assert refusal.code == "RESYNC_REQUIRED"


@SUBSCRIPTIONS
@pytest.mark.parametrize("kept", [0, 1, 2])
async def test_a_log_that_does_not_reach_back_has_to_be_fetched_anew(
    world: World, query: str, kept: int
) -> None:
    channel = await world.carol.create_channel(world.dave)
    cursor = await world.dave.cursor(channel)
    for _ in range(3):
        await world.carol.say(channel)
    await world.database.execute(
        "delete from events where channel_id = $1 and position <= $2",
        channel,
        place(channel, await world.dave.cursor(channel)).position - kept,
    )
    refusal = await refused(world, query, channel, cursor)
    assert refusal.code == "RESYNC_REQUIRED"


async def test_a_hole_further_on_in_the_log_is_told_and_not_leapt_over(world: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    cursor = await world.dave.cursor(channel)
    for number in range(4):
        await world.carol.say(channel, str(number))
    head = place(channel, await world.dave.cursor(channel)).position
    await world.database.execute(
        "delete from events where channel_id = $1 and position = $2", channel, head - 1
    )
    async with world.dave.socket() as socket:
        added = await socket.subscribe(MESSAGES, id=channel, after=cursor)
        assert contents(await added.take(2)) == ["0", "1"]
        with pytest.raises(RefusedError) as refusal:
            await added.next()
        assert refusal.value.code == "RESYNC_REQUIRED"
        await socket.settled()
        assert added.is_silent


async def test_a_trimmed_log_still_serves_the_cursors_it_reaches(world: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    await world.carol.say(channel, "trimmed")
    cursor = await world.dave.cursor(channel)
    await world.carol.say(channel, "kept")
    await world.database.execute(
        "delete from events where channel_id = $1 and position <= $2",
        channel,
        place(channel, cursor).position,
    )
    async with world.dave.socket() as socket:
        added = await socket.subscribe(MESSAGES, id=channel, after=cursor)
        assert contents([await added.next()]) == ["kept"]


WRONG: dict[str, Callable[[str, int, int], str]] = {
    "empty": lambda channel, epoch, position: "",
    "no cursor": lambda channel, epoch, position: "nonsense",
    "not base64": lambda channel, epoch, position: "ä" * 8,
    "no JSON": lambda channel, epoch, position: "AAAA",
    "endless": lambda channel, epoch, position: "A" * 20_000,
    "a message's": lambda channel, epoch, position: cursors.encode_position(
        CursorKind.MESSAGE, channel, position
    ),
    "too short": lambda channel, epoch, position: cursors.encode(
        CursorKind.EVENT, channel, position
    ),
    "too long": lambda channel, epoch, position: cursors.encode(
        CursorKind.EVENT, channel, epoch, position, 1
    ),
    "words": lambda channel, epoch, position: cursors.encode(
        CursorKind.EVENT, channel, str(epoch), str(position)
    ),
    "negative": lambda channel, epoch, position: cursors.encode_event(channel, epoch, -1),
    "more than PostgreSQL counts": lambda channel, epoch, position: cursors.encode_event(
        channel, epoch, MAX_BIGINT + 1
    ),
}


@SUBSCRIPTIONS
@pytest.mark.parametrize("wrong", WRONG)
async def test_what_is_no_cursor_of_this_log_is_bad_input(
    world: World, query: str, wrong: str
) -> None:
    channel = await world.carol.create_channel(world.dave)
    epoch, head = place(channel, await world.dave.cursor(channel))
    refusal = await refused(world, query, channel, WRONG[wrong](channel, epoch, head))
    assert refusal.code == "BAD_USER_INPUT"
    assert refusal.field == "after"


@SUBSCRIPTIONS
async def test_another_channels_cursor_is_bad_input(world: World, query: str) -> None:
    channel = await world.carol.create_channel(world.dave)
    other = await world.carol.create_channel(world.dave)
    refusal = await refused(world, query, channel, await world.dave.cursor(other))
    assert refusal.code == "BAD_USER_INPUT"
    assert refusal.field == "after"


@SUBSCRIPTIONS
async def test_a_cursor_opens_no_channel(world: World, query: str) -> None:
    """Unknown, private and malformed look the same, whatever else is asked for."""
    channel = await world.carol.create_channel()
    cursor = await world.carol.cursor(channel)
    unknown = "00000000-0000-7000-8000-000000000000"
    answers = []
    for id, after in ((channel, cursor), (channel, "x"), (unknown, cursor), ("x", cursor)):
        refusal = await refused(world, query, id, after)
        answers.append((refusal.code, refusal.field, refusal.message))
    assert answers == [("NOT_FOUND", "channelId", answers[0][2])] * 4


async def test_who_comes_first_after_a_restore_is_not_forgotten(world: World) -> None:
    """Others still follow the log of before, and nobody has noticed yet."""
    channel = await world.carol.create_channel(world.dave)
    async with world.dave.socket() as socket:
        before = await socket.subscribe(MESSAGES, id=channel)
        await world.followed(channel)
        await world.database.execute("update channels set epoch = epoch + 1 where id = $1", channel)
        after = await socket.subscribe(MESSAGES, id=channel, after=await world.dave.cursor(channel))
        with pytest.raises(RefusedError) as refusal:
            await before.next()
        assert refusal.value.code == "RESYNC_REQUIRED"
        await world.carol.say(channel, "in the new log")
        assert contents([await after.next()]) == ["in the new log"]
        assert before.is_silent


async def test_what_another_log_has_after_the_same_position_is_not_given_for_what_came_next(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hint may come before the poll has noticed that the database was restored."""
    channel = await world.carol.create_channel(world.dave)
    async with world.dave.socket() as socket:
        live = await socket.subscribe(EVENTS, id=channel)
        await world.followed(channel)
        # As if the next poll were an hour away.
        far = asyncio.get_running_loop().time() + 3_600
        monkeypatch.setattr(world.services.live.follower, "_poll_at", far)
        await world.database.execute("update channels set epoch = epoch + 1 where id = $1", channel)
        await world.carol.say(channel, "in another log")
        with pytest.raises(RefusedError) as refusal:
            await live.next()
        assert refusal.value.code == "RESYNC_REQUIRED"
