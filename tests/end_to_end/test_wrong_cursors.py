"""Cursors: taken back by the list they came from, and by no other; garbage is refused by name."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.end_to_end.house import House
from tests.operations import do
from tests.walk import Place, places
from tests.world import Person, World

PLACES = [
    place for place in places() if place.name in ("after", "before") and place.operation == "query"
]
OWN = {
    "viewer.channels.after": "channels",
    "users.after": "users",
    "searchMessages.after": "found",
    "channel.messages.after": "messages",
    "channel.messages.before": "messages",
    "channel.members.after": "members",
    "message.replies.after": "replies",
    "message.readBy.after": "readBy",
}
"""Whose cursors each place takes: of what ``cursors_of`` collects."""

INSIDE = """query ($channel: ID!, $message: ID!) {
  channel(id: $channel) {
    cursor messages { edges { cursor } } members { edges { cursor } }
  }
  message(id: $message) { replies { edges { cursor } } readBy { edges { cursor } } }
}"""
BESIDE = """{
  viewer {
    channels { edges { cursor } } named: channels(orderBy: NAME) { edges { cursor } }
  }
  users { edges { cursor } } searched: users(search: "e") { edges { cursor } }
  found: searchMessages(query: "Root") { edges { cursor } }
}"""


async def cursors_of(person: Person, channel: str, message: str, reader: Person) -> dict[str, str]:
    """A cursor of each list there is, as this person gets it; another has read the message."""
    await do(reader, "markRead", channelId=channel)
    inside = await person.run(INSIDE, channel=channel, message=message)
    beside = await person.run(BESIDE)
    lists = {
        **inside["channel"],
        **inside["message"],
        **beside["viewer"],
        "users": beside["users"],
        "searched": beside["searched"],
        "found": beside["found"],
    }
    event = lists.pop("cursor")
    return {"event": event, **{name: page["edges"][0]["cursor"] for name, page in lists.items()}}


@pytest.fixture(scope="module")
async def mine(world: World, house: House) -> dict[str, str]:
    return await cursors_of(world.dave, house.channel, house.message, world.carol)


@pytest.fixture(scope="module")
async def others(world: World) -> list[str]:
    """Cursors of another channel and thread, of the same person and of another one."""
    channel = await world.carol.create_channel(world.dave)
    message = await world.carol.say(channel)
    await world.carol.say(channel, "Reply", parentId=message)
    found: list[str] = []
    for person in (world.dave, world.carol):
        cursors = await cursors_of(person, channel, message, world.dave)
        if person.id == world.dave.id:
            # Of lists that are his own wherever he is.
            del cursors["channels"], cursors["users"], cursors["found"]
        found += cursors.values()
    return found


async def verdict(person: Person, place: Place, house: House, cursor: str) -> str:
    """OK or the code of the refusal, which must name the argument."""
    query, variables = place.by_variable(house.examples, cursor)
    response = await person.respond(query, variables)
    assert response.status_code == 200, response.text
    result: dict[str, Any] = response.json()
    if "errors" not in result:
        return "OK"
    (error,) = result["errors"]
    assert error["extensions"]["field"] == place.name, result
    assert error["extensions"]["requestId"] == response.headers["X-Request-Id"]
    return str(error["extensions"]["code"])


@pytest.mark.parametrize("place", PLACES, ids=str)
async def test_a_list_takes_its_own_cursors_and_no_others(
    world: World, house: House, mine: dict[str, str], others: list[str], place: Place
) -> None:
    own = OWN[str(place)]
    assert await verdict(world.dave, place, house, mine[own]) == "OK"
    foreign = [cursor for name, cursor in mine.items() if name != own] + others
    for cursor in foreign:
        assert await verdict(world.dave, place, house, cursor) == "BAD_USER_INPUT", cursor


@pytest.mark.parametrize("place", PLACES, ids=str)
async def test_a_cursor_that_was_cut_or_blown_up_is_refused(
    world: World, house: House, mine: dict[str, str], place: Place
) -> None:
    own = mine[OWN[str(place)]]
    broken = [own[:length] for length in range(0, len(own), 7)]
    broken += [own[:-1], own[1:], own * 2, own + own[:4], "x" * 100_000, own + "A" * 1_000]
    for cursor in broken:
        assert await verdict(world.dave, place, house, cursor) == "BAD_USER_INPUT", cursor


WEIRD: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([0, -1, 2**31, 2**53, 2**63 - 1, 2**63, 253402300800000000, 10**15]),
    st.floats(),
    st.text(max_size=40),
    st.sampled_from(
        ["", "\x00", "a\x00", "9" * 300, "infinity", "' or 1=1 --", "\U0010ffff", "\ud800"]
    ),
    st.lists(st.integers(0, 3), max_size=2),
    st.dictionaries(st.text(max_size=2), st.integers(), max_size=1),
)


@given(st.data())
@settings(max_examples=150, suppress_health_check=list(HealthCheck))
async def test_whatever_a_forged_cursor_says_it_is_taken_or_refused(
    world: World, house: House, mine: dict[str, str], data: st.DataObject
) -> None:
    place = data.draw(st.sampled_from(PLACES))
    own = mine[OWN[str(place)]]
    kind, scope, *key = json.loads(urlsafe_b64decode(own + "=" * (-len(own) % 4)))
    forged = [data.draw(st.just(part) | WEIRD) for part in key]
    forged += data.draw(st.lists(WEIRD, max_size=1))
    whole = data.draw(st.sampled_from([[kind, scope, *forged], [kind, scope], forged, None]))
    cursor = urlsafe_b64encode(json.dumps(whole).encode()).rstrip(b"=").decode()
    assert await verdict(world.dave, place, house, cursor) in ("OK", "BAD_USER_INPUT")


@given(place=st.sampled_from(PLACES), cursor=st.text(max_size=60) | st.binary(max_size=60))
@settings(max_examples=150, suppress_health_check=list(HealthCheck))
async def test_garbage_is_refused(
    world: World, house: House, place: Place, cursor: str | bytes
) -> None:
    text = urlsafe_b64encode(cursor).decode() if isinstance(cursor, bytes) else cursor
    assert await verdict(world.dave, place, house, text) == "BAD_USER_INPUT"


async def test_a_cursor_grants_nothing(world: World, house: House) -> None:
    secret = await world.carol.create_channel(world.erin)
    message = await world.carol.say(secret)
    await world.carol.say(secret, "Reply", parentId=message)
    cursors = await cursors_of(world.carol, secret, message, world.erin)
    rest = ") { edges { cursor } } }"
    selection = f'{{ messages(after: "{cursors["messages"]}"{rest}'
    assert await do(world.dave, "channel", selection, id=secret) is None
    selection = f'{{ replies(after: "{cursors["replies"]}"{rest}'
    assert await do(world.dave, "message", selection, id=message) is None
    selection = f'{{ readBy(after: "{cursors["readBy"]}"{rest}'
    assert await do(world.dave, "message", selection, id=message) is None
