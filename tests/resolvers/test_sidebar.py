"""The viewer's own channels: which, in what order, a page at a time, and what is unread."""

from typing import Any

import pytest

from storage.records import ChannelType
from tests.operations import do, send
from tests.places import MEMBER, archive, place
from tests.world import Person, World

PAGE = """
query ($filter: ChannelFilter, $order: ChannelOrder, $first: Int, $after: String) {
  viewer { channels(filter: $filter, orderBy: $order, first: $first, after: $after) {
    edges { cursor node { id } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  } }
}
"""
UNREAD = "{ unread { messages mentions channels } }"


async def page(person: Person, **arguments: Any) -> Any:
    return (await person.run(PAGE, **arguments))["viewer"]["channels"]


async def listed(person: Person, filter: dict[str, Any] | None = None, **more: Any) -> list[str]:
    edges = (await page(person, filter=filter, **more))["edges"]
    return [edge["node"]["id"] for edge in edges]


async def walked(person: Person, order: str, first: int) -> list[str]:
    """Every channel, a page at a time; each page must say what is on either side of it."""
    found: list[str] = []
    after = None
    while True:
        part = await page(person, order=order, first=first, after=after)
        info = part["pageInfo"]
        assert info["hasPreviousPage"] == (after is not None)
        assert info["startCursor"] == part["edges"][0]["cursor"]
        found += [edge["node"]["id"] for edge in part["edges"]]
        after = info["endCursor"]
        if not info["hasNextPage"]:
            return found


async def test_the_channel_where_something_was_said_last_comes_first(world: World) -> None:
    viewer = await world.new_person("Sidebar Sam")
    one, two, three = [await viewer.create_channel(world.dave) for _ in range(3)]
    assert await listed(viewer) == [three, two, one]
    root = await world.dave.say(one)
    assert await listed(viewer) == [one, three, two]
    await viewer.say(two)
    assert await listed(viewer) == [two, one, three]
    await world.dave.say(one, "A reply is under its parent", parentId=root)
    assert await listed(viewer) == [two, one, three]


async def test_by_name_whatever_the_case(world: World) -> None:
    viewer = await world.new_person("Sidebar Sue")
    names = ["beta", "Alpha", "gamma", "Beta", "alpha"]
    ids = {name: await viewer.create_channel(name=name) for name in names}
    found = await listed(viewer, order="NAME")
    assert [set(found[:2]), set(found[2:4]), found[4]] == [
        {ids["alpha"], ids["Alpha"]},
        {ids["beta"], ids["Beta"]},
        ids["gamma"],
    ]


@pytest.mark.parametrize("order", ["NAME", "RECENT_ACTIVITY"])
@pytest.mark.parametrize("first", [1, 3])
async def test_pages_put_together_are_the_whole_list(world: World, order: str, first: int) -> None:
    viewer = await world.new_person("Sidebar Sid")
    for name in ("same", "same", "same", "other", "SAME", "another", "same"):
        await viewer.create_channel(name=name)
    whole = await listed(viewer, order=order)
    assert len(set(whole)) == 7
    assert await walked(viewer, order, first) == whole


async def test_a_page_goes_on_where_the_last_one_ended_when_channels_come_and_move(
    world: World,
) -> None:
    viewer = await world.new_person("Sidebar Sal")
    ids = [await viewer.create_channel() for _ in range(5)][::-1]
    first = await page(viewer, first=2)
    await viewer.create_channel()
    await viewer.say(ids[0])
    rest = await listed(viewer, first=10, after=first["pageInfo"]["endCursor"])
    assert rest == ids[2:]


async def test_nothing_can_be_asked_for(world: World) -> None:
    viewer = await world.new_person("Sidebar Sol")
    await viewer.create_channel()
    empty = await page(viewer, first=0)
    assert empty["edges"] == []
    assert empty["pageInfo"] == {
        "hasNextPage": True,
        "hasPreviousPage": False,
        "startCursor": None,
        "endCursor": None,
    }


async def test_filters_leave_out_what_was_not_asked_for(world: World) -> None:
    viewer = await world.new_person("Sidebar Sky")
    group = await viewer.create_channel(name="Über 100%_sure\\")
    general = await place(world, ChannelType.GENERAL, (viewer, MEMBER))
    closed = await viewer.create_channel(name="closed")
    await archive(world, closed)
    opened = await do(viewer, "openDirectMessage", userIds=[world.dave.id])
    dm = opened["channel"]["id"]
    assert await listed(viewer) == [dm, general, group]
    assert await listed(viewer, {"types": None}) == [dm, general, group]
    assert await listed(viewer, {"types": ["GROUP", "DM"]}) == [dm, group]
    assert await listed(viewer, {"types": []}) == []
    assert await listed(viewer, {"includeArchived": True}) == [dm, closed, general, group]
    assert await listed(viewer, {"includeArchived": True, "search": "CLOSE"}) == [closed]
    for text in ("über", "100%_", "SURE\\", " ber "):
        assert await listed(viewer, {"search": text}) == [group], text
    for text in ("100_", "%sure", "1.0"):
        assert await listed(viewer, {"search": text}) == [], text
    assert await listed(viewer, {"search": " "}) == [dm, general, group]


async def test_unread_only_means_messages_of_others_not_read_yet(world: World) -> None:
    viewer = await world.new_person("Sidebar Sy")
    read, own, unread, gone = [await viewer.create_channel(world.dave) for _ in range(4)]
    await viewer.say(own)
    await world.dave.say(unread)
    await world.dave.say(read)
    await do(viewer, "markRead", channelId=read)
    message = await world.dave.say(gone)
    await do(world.dave, "deleteMessage", messageId=message)
    assert await listed(viewer, {"unreadOnly": True}) == [unread]
    assert len(await listed(viewer, {"unreadOnly": False})) == 4


async def test_unread_only_has_every_channel_that_the_total_counts(world: World) -> None:
    viewer = await world.new_person("Sidebar Sim")
    named, other = [await viewer.create_channel(world.dave) for _ in range(2)]
    for id in (named, other):
        root = await viewer.say(id)
        mentioned = [viewer.id] if id == named else []
        await send(world.dave, id, "A reply", parentId=root, mentionedUserIds=mentioned)
    assert await listed(viewer, {"unreadOnly": True}) == [named]
    total = (await do(viewer, "viewer", UNREAD))["unread"]
    assert total == {"messages": 0, "mentions": 1, "channels": 1}


async def test_a_direct_message_shows_up_for_the_other_with_its_first_message(
    world: World,
) -> None:
    viewer = await world.new_person("Sidebar Sez")
    other = await world.new_person("Sidebar Sib")
    opened = await do(viewer, "openDirectMessage", userIds=[other.id])
    dm = opened["channel"]["id"]
    assert await listed(viewer) == [dm]
    assert await listed(other) == []
    await viewer.say(dm)
    assert await listed(other) == [dm]


async def test_the_total_adds_up_every_channel_that_is_not_muted(world: World) -> None:
    viewer = await world.new_person("Sidebar Sum")
    one, two, muted, closed = [await viewer.create_channel(world.dave) for _ in range(4)]
    await world.database.execute("update members set is_muted = true where channel_id = $1", muted)

    async def total() -> Any:
        return (await do(viewer, "viewer", UNREAD))["unread"]

    assert await total() == {"messages": 0, "mentions": 0, "channels": 0}
    await world.dave.say(one)
    await world.dave.say(one, "You", mentionedUserIds=[viewer.id])
    assert await total() == {"messages": 2, "mentions": 1, "channels": 1}
    await world.dave.say(muted, "@channel, this is muted")
    assert await total() == {"messages": 2, "mentions": 1, "channels": 1}
    root = await viewer.say(two)
    await send(world.dave, two, "You", parentId=root, mentionedUserIds=[viewer.id])
    assert await total() == {"messages": 2, "mentions": 2, "channels": 2}
    await world.dave.say(closed)
    await archive(world, closed)
    assert await total() == {"messages": 3, "mentions": 2, "channels": 3}
