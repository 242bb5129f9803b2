"""Pages of members, of the sidebar and of people: each once, in order, ties and all."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from bson import ObjectId
from hypothesis import given
from hypothesis import strategies as st

from loaders.roster import folded
from resolvers import history
from resolvers.channels import sidebar
from resolvers.people import users
from resolvers.viewer import sign_in
from storage import ids
from tests.storage.walking import forward, walks
from tests.world import World

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
SIZES = st.integers(1, 7)
MOMENTS = st.integers(0, 3).map(lambda number: NOON + timedelta(microseconds=number))
"""Few, so that there are ties."""
NAMES = st.sampled_from(["a", "A", "b", "B", "ä", "Z", "é", "10", "9", "%", "_", "a b"])


@walks
@given(joined=st.lists(MOMENTS, max_size=20), size=SIZES)
async def test_members_in_the_order_they_joined(
    world: World, joined: list[datetime], size: int
) -> None:
    channel_id = await world.carol.create_channel()
    database = world.database
    await database.execute("delete from members where channel_id = $1", channel_id)
    people = [str(ObjectId()) for _ in joined]
    await database.executemany(
        "insert into members (channel_id, user_id, joined_at, joined_position, joined_ordinal,"
        " read_position, read_ordinal, seat) values ($1, $2, $3, 0, 0, 0, 0, 0)",
        [(channel_id, *row) for row in zip(people, joined, strict=True)],
    )
    page = partial(history.channel_members, world.owning, channel_id, first=size)
    seen = await forward(lambda after: page(after=after))
    expected = sorted(zip(joined, people, strict=True))
    assert [(edge.node.joined_at, edge.node.user_id) for edge in seen] == expected


async def test_nobody_who_stays_is_missed_when_others_come_and_go(world: World) -> None:
    channel_id = await world.carol.create_channel()
    database = world.database
    await database.execute("delete from members where channel_id = $1", channel_id)
    stay, go = ([f"{number:024x}" for number in range(first, 40, 2)] for first in (0, 1))
    insert = (
        "insert into members (channel_id, user_id, joined_at, joined_position, joined_ordinal,"
        " read_position, read_ordinal, seat)"
        " select $1, unnest($2::text[]), $3, 0, 0, 0, 0, 0"
    )
    await database.execute(insert, channel_id, stay + go, NOON)
    leaving = iter(go)

    async def change() -> None:
        await database.execute(
            "delete from members where channel_id = $1 and user_id = $2",
            channel_id,
            next(leaving, None),
        )
        newcomer = str(ObjectId())
        stay.append(newcomer)
        await database.execute(insert, channel_id, [newcomer], datetime.now(UTC))

    page = partial(history.channel_members, world.owning, channel_id, first=3)
    changes = iter(range(10))

    async def ten_times() -> None:
        if next(changes, None) is not None:
            await change()

    seen = await forward(lambda after: page(after=after), ten_times)
    found = [edge.node.user_id for edge in seen]
    assert [id for id in found if id in set(stay)] == stay
    assert len(found) == len(set(found))


async def channels_of(
    world: World, names: list[str], last: list[datetime | None]
) -> tuple[Any, list[str]]:
    """Somebody in channels of these names with these last messages' times, and their ids."""
    person = await world.new_person("Somebody")
    rows = [(ids.new_id(), name, at, NOON) for name, at in zip(names, last, strict=True)]
    database = world.database
    await database.executemany(
        "insert into channels (id, type, name, last_message_at, created_at)"
        " values ($1, 'GROUP', $2, $3, $4)",
        rows,
    )
    await database.executemany(
        "insert into members (channel_id, user_id, joined_position, joined_ordinal, read_position,"
        " read_ordinal, seat) values ($1, $2, 0, 0, 0, 0, 0)",
        [(row[0], person.id) for row in rows],
    )
    return await sign_in(world.services, person.id, 60), [row[0] for row in rows]


EVERYTHING: dict[str, Any] = {
    "types": None,
    "unread_only": False,
    "include_archived": False,
    "search": None,
}


@walks
@given(named=st.lists(st.tuples(NAMES, st.none() | MOMENTS), max_size=20), size=SIZES)
async def test_the_sidebar_in_both_orders(
    world: World, named: list[tuple[str, datetime | None]], size: int
) -> None:
    names, last = [name for name, _ in named], [at for _, at in named]
    viewer, made = await channels_of(world, names, last)
    page = partial(sidebar, world.owning, viewer, first=size, **EVERYTHING)

    seen = await forward(lambda after: page(by_name=False, after=after))
    latest = dict(zip(made, (at or NOON for at in last), strict=True))
    expected = sorted(made, key=lambda id: (latest[id], id), reverse=True)
    assert [edge.node.channel.id for edge in seen] == expected

    seen = await forward(lambda after: page(by_name=True, after=after))
    found = [edge.node.channel for edge in seen]
    assert sorted(channel.id for channel in found) == sorted(made)
    assert [(str(channel.name).lower().encode(), channel.id) for channel in found] == sorted(
        (str(channel.name).lower().encode(), channel.id) for channel in found
    )


@walks
@given(names=st.lists(NAMES, max_size=12), size=SIZES)
async def test_people_by_name_those_first_whose_name_begins_with_the_search(
    world: World, names: list[str], size: int
) -> None:
    team = ObjectId()
    seeker = await world.new_person("Seeker", teamId=team)
    people = {}
    for name in names:
        person = await world.new_person(f"{name} Zzyx", teamId=team)
        people[person.id] = folded(f"{name} zzyx")
    try:
        viewer = await sign_in(world.services, seeker.id, 60)
        page = partial(users, world.owning, viewer, search="zzyx", first=size)
        seen = await forward(lambda after: page(after=after))
        # All of them match by their second word only.
        assert [edge.node.id for edge in seen] == sorted(people, key=lambda id: (people[id], id))
        if names:
            first = folded(names[0])
            page = partial(users, world.owning, viewer, search=names[0], first=size)
            seen = await forward(lambda after: page(after=after))
            # Others of the company may be of no team.
            found = [edge.node.id for edge in seen if edge.node.id in people]
            begins = [people[id].startswith(first) for id in found]
            assert begins == sorted(begins, reverse=True)
            assert {id for id in people if people[id].startswith(first)} <= set(found)
    finally:
        # The company is everybody's.
        await world.mongo.users.delete_many({"teamId": team})


async def test_ten_thousand_members_are_listed_page_by_page(world: World) -> None:
    channel_id = await world.carol.create_channel()
    # As they join: many in one moment.
    await world.database.execute(
        "with joined as ("
        " insert into members (channel_id, user_id, joined_at, joined_position, joined_ordinal,"
        "                      read_position, read_ordinal, seat)"
        " select $1, lpad(to_hex(n), 24, '0'), $2::timestamptz + n / 1000 * interval '1 minute',"
        "        0, 0, 0, 0, n"
        "   from generate_series(1, 9999) n)"
        " update channels set member_count = 10000 where id = $1",
        channel_id,
        NOON,
    )
    page = partial(history.channel_members, world.owning, channel_id, first=100)
    seen = await forward(lambda after: page(after=after))
    assert len(seen) == 10_000
    assert len({edge.node.user_id for edge in seen}) == 10_000
    assert sorted(seen, key=lambda edge: (edge.node.joined_at, edge.node.user_id)) == seen
