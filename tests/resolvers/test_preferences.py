"""What a member wants of a channel: muted, pinned, notified of what."""

from typing import Any

import pytest

from tests.operations import UNKNOWN_ID, channel, denied, do, nothing_happens
from tests.world import Person, World

MINE = "{ membership { isMuted isPinned notificationLevel } }"
AT_FIRST = {"isMuted": False, "isPinned": False, "notificationLevel": "ALL"}


async def prefer(person: Person, id: str, **wanted: Any) -> Any:
    answer = await do(
        person,
        "updateChannelPreferences",
        "{ channel " + MINE + " }",
        input={"channelId": id, **wanted},
    )
    return answer["channel"]["membership"]


async def test_each_is_set_by_itself_and_stays(world: World) -> None:
    id = await world.carol.create_channel(world.dave)
    assert (await channel(world.dave, id, MINE))["membership"] == AT_FIRST
    wanted: dict[str, Any] = dict(AT_FIRST)
    for name, value in (
        ("isMuted", True),
        ("isPinned", True),
        ("notificationLevel", "MENTIONS"),
        ("notificationLevel", "NONE"),
        ("isMuted", False),
    ):
        wanted[name] = value
        assert await prefer(world.dave, id.upper(), **{name: value}) == wanted
    assert (await channel(world.dave, id, MINE))["membership"] == wanted
    assert await prefer(world.dave, id, **AT_FIRST) == AT_FIRST


async def test_they_are_ones_own_and_no_event_of_the_log(world: World) -> None:
    id = await world.carol.create_channel(world.dave)
    cursor = await world.carol.cursor(id)
    await prefer(world.dave, id, isMuted=True)
    assert (await channel(world.carol, id, MINE))["membership"] == AT_FIRST
    assert await world.carol.cursor(id) == cursor


async def test_what_is_left_out_or_null_stays_as_it_is(world: World) -> None:
    id = await world.carol.create_channel(world.dave)
    wanted = await prefer(world.dave, id, isMuted=True, isPinned=True, notificationLevel="NONE")
    async with nothing_happens(world, id, world.carol):
        assert await prefer(world.dave, id) == wanted
        nothing = dict.fromkeys(AT_FIRST)
        assert await prefer(world.dave, id, **nothing) == wanted


async def test_a_muted_channel_is_left_out_of_the_total_and_keeps_its_counts(world: World) -> None:
    viewer = await world.new_person("Muted Mo")
    id = await world.carol.create_channel(viewer)
    await world.carol.say(id, "@channel")

    async def total() -> Any:
        return (await do(viewer, "viewer", "{ unread { messages mentions channels } }"))["unread"]

    assert await total() == {"messages": 1, "mentions": 1, "channels": 1}
    await prefer(viewer, id, isMuted=True)
    assert await total() == {"messages": 0, "mentions": 0, "channels": 0}
    counts = await channel(viewer, id, "{ unreadCount mentionCount }")
    assert counts == {"unreadCount": 1, "mentionCount": 1}
    await prefer(viewer, id, isMuted=False)
    assert await total() == {"messages": 1, "mentions": 1, "channels": 1}


@pytest.mark.parametrize(
    ("which", "code"), [("secret", "NOT_FOUND"), ("open", "FORBIDDEN"), (UNKNOWN_ID, "NOT_FOUND")]
)
async def test_only_members_have_any(world: World, which: str, code: str) -> None:
    secret = await world.carol.create_channel()
    public = await world.carol.create_channel(isPrivate=False)
    id = {"secret": secret, "open": public}.get(which, which)
    async with (
        nothing_happens(world, secret, world.carol),
        nothing_happens(world, public, world.carol),
    ):
        input = {"channelId": id, "isMuted": True}
        assert (await denied(world.dave, "updateChannelPreferences", input=input)).code == code
