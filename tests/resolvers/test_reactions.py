"""Reactions: which emoji, how many, in what order, one of each for each person."""

import asyncio
from functools import partial
from typing import Any

import pytest
from emoji import EMOJI_DATA, STATUS
from hypothesis import given, settings
from hypothesis import strategies as st

from resolvers import inputs
from storage.errors import Refusal
from tests.operations import denied, do, kinds_of_events, message, nothing_happens, patiently
from tests.world import Person, World

QUALIFIED = [
    emoji for emoji, data in EMOJI_DATA.items() if data["status"] == STATUS["fully_qualified"]
]
VS16 = "\ufe0f"

TWENTY_ONE = [emoji for emoji in QUALIFIED if len(emoji) == 1][:21]


async def react(person: Person, id: str, emoji: str) -> Any:
    selection = "{ message { reactions { emoji count viewerHasReacted } } }"
    answer = await do(person, "addReaction", selection, messageId=id, emoji=emoji)
    return answer["message"]["reactions"]


async def emojis(person: Person, id: str) -> list[str]:
    found = await message(person, id, "{ reactions { emoji } }")
    return [reaction["emoji"] for reaction in found["reactions"]]


async def test_reactions_are_grouped_in_the_order_first_used(world: World) -> None:
    id = await world.carol.create_channel(world.dave, world.erin)
    said = await world.carol.say(id)
    await react(world.dave, said, "\U0001f389")
    await react(world.erin, said, "\U0001f44d")
    assert await react(world.carol, said, "\U0001f389") == [
        {"emoji": "\U0001f389", "count": 2, "viewerHasReacted": True},
        {"emoji": "\U0001f44d", "count": 1, "viewerHasReacted": False},
    ]
    found = await message(
        world.erin,
        said,
        "{ reactions { emoji viewerHasReacted users { id } one: users(first: 1) { id }"
        " none: users(first: 0) { id } } }",
    )
    assert found["reactions"] == [
        {
            "emoji": "\U0001f389",
            "viewerHasReacted": False,
            "users": [{"id": world.dave.id}, {"id": world.carol.id}],
            "one": [{"id": world.dave.id}],
            "none": [],
        },
        {
            "emoji": "\U0001f44d",
            "viewerHasReacted": True,
            "users": [{"id": world.erin.id}],
            "one": [{"id": world.erin.id}],
            "none": [],
        },
    ]


async def test_reacting_twice_is_reacting_once_and_so_is_taking_back(world: World) -> None:
    id = await world.carol.create_channel(world.dave)
    said = await world.carol.say(id)
    await asyncio.gather(*(react(world.dave, said, "\U0001f44d") for _ in range(5)))
    async with nothing_happens(world, id, world.carol):
        await react(world.dave, said, "\U0001f44d")
        for person, emoji in ((world.dave, "\U0001f389"), (world.carol, "\U0001f44d")):
            await do(person, "removeReaction", messageId=said, emoji=emoji)
    calls = [do(world.dave, "removeReaction", messageId=said, emoji="\U0001f44d") for _ in range(5)]
    await asyncio.gather(*calls)
    assert await emojis(world.carol, said) == []
    log = await kinds_of_events(world, id)
    assert [log.count(kind) for kind in ("ReactionAdded", "ReactionRemoved")] == [1, 1]


async def test_a_reaction_that_is_back_again_is_the_last(world: World) -> None:
    id = await world.carol.create_channel()
    said = await world.carol.say(id)
    for emoji in ("\U0001f44d", "\U0001f389"):
        await react(world.carol, said, emoji)
    await do(world.carol, "removeReaction", messageId=said, emoji="\U0001f44d")
    await react(world.carol, said, "\U0001f44d")
    assert await emojis(world.carol, said) == ["\U0001f389", "\U0001f44d"]


async def test_an_emoji_keeps_its_place_when_who_used_it_first_takes_it_back(
    world: World,
) -> None:
    id = await world.carol.create_channel(world.dave, world.erin)
    said = await world.carol.say(id)
    await react(world.dave, said, "\U0001f44d")
    await react(world.erin, said, "\U0001f389")
    await react(world.carol, said, "\U0001f44d")
    await do(world.dave, "removeReaction", messageId=said, emoji="\U0001f44d")
    assert await emojis(world.carol, said) == ["\U0001f44d", "\U0001f389"]
    await react(world.dave, said, "\U0001f680")
    await do(world.erin, "removeReaction", messageId=said, emoji="\U0001f389")
    await react(world.erin, said, "\U0001f389")
    assert await emojis(world.carol, said) == ["\U0001f44d", "\U0001f680", "\U0001f389"]


@pytest.mark.parametrize(
    ("spellings", "stored"),
    [
        (["\u2764", "\u2764\ufe0f"], "\u2764\ufe0f"),
        (["\U0001f44d", "\U0001f44d\ufe0f"], "\U0001f44d"),
        (["1\u20e3", "1\ufe0f\u20e3"], "1\ufe0f\u20e3"),
        (
            ["\U0001f3f3\u200d\U0001f308", "\U0001f3f3\ufe0f\u200d\U0001f308"],
            "\U0001f3f3\ufe0f\u200d\U0001f308",
        ),
        (["\U0001f1e9\U0001f1ea"], "\U0001f1e9\U0001f1ea"),
    ],
)
async def test_spellings_of_one_emoji_are_one_reaction(
    world: World, spellings: list[str], stored: str
) -> None:
    id = await world.carol.create_channel()
    said = await world.carol.say(id)
    for spelling in spellings:
        assert [r["emoji"] for r in await react(world.carol, said, spelling)] == [stored]
    await do(world.carol, "removeReaction", messageId=said, emoji=spellings[0])
    assert await emojis(world.carol, said) == []


async def test_skin_tones_are_reactions_of_their_own(world: World) -> None:
    id = await world.carol.create_channel()
    said = await world.carol.say(id)
    tones = ["\U0001f44d" + tone for tone in ("", *map(chr, range(0x1F3FB, 0x1F400)))]
    for emoji in tones:
        await react(world.carol, said, emoji)
    assert await emojis(world.carol, said) == tones


OF_EVERY_KIND = {
    "a face": "\U0001f600",
    "a family": "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466",
    "a kiss of two tones": "\U0001f469\U0001f3fd\u200d\u2764\ufe0f\u200d\U0001f48b\u200d"
    "\U0001f468\U0001f3ff",
    "a profession": "\U0001f9d1\U0001f3fe\u200d\U0001f680",
    "the flag of a country": "\U0001f1fa\U0001f1e6",
    "the flag of a part of one": "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074"
    "\U000e007f",
    "the flag of pirates": "\U0001f3f4\u200d\u2620\ufe0f",
    "the keycap of a number sign": "#\ufe0f\u20e3",
    "the keycap of an asterisk": "*\ufe0f\u20e3",
    "new in Emoji 17": "\U0001faea",
    "new in Emoji 18": "\U0001faeb",
    "new in Emoji 18, with a tone": "\U0001faf9\U0001f3ff",
}


@pytest.mark.parametrize("kind", OF_EVERY_KIND)
def test_emojis_of_every_kind_are_emojis_and_those_of_the_current_standard_too(kind: str) -> None:
    assert inputs.reaction(OF_EVERY_KIND[kind]) == OF_EVERY_KIND[kind]


@given(emoji=st.sampled_from(QUALIFIED), left_out=st.integers(0, 255))
@settings(max_examples=200)
def test_however_much_of_an_emoji_is_left_out_it_is_that_emoji(emoji: str, left_out: int) -> None:
    spelling, seen = "", 0
    for character in emoji:
        if character == VS16:
            seen += 1
            if left_out >> seen & 1:
                continue
        spelling += character
    assert inputs.reaction(spelling) == emoji
    assert inputs.reaction(emoji) == emoji


@given(st.text(max_size=6) | st.lists(st.sampled_from(QUALIFIED), min_size=2).map("".join))
def test_what_is_not_one_emoji_is_none(text: str) -> None:
    if text.replace(VS16, "") in {emoji.replace(VS16, "") for emoji in QUALIFIED}:
        return
    with pytest.raises(Refusal) as refusal:
        inputs.reaction(text)
    assert refusal.value.field == "emoji"


NO_EMOJI = [
    "",
    " ",
    "a",
    "1",
    "#",
    ":+1:",
    ":thumbsup:",
    "\U0001f44d\U0001f44d",
    "\U0001f44d ",
    "\U0001f3fb",
    "\U0001f1e9",
    "\u200d",
    VS16,
    "\u2764\ufe0e",
    "\U0001f44d\x00",
    "\ud83d",
    "\U0001f44d" * 10_000,
]


@pytest.mark.parametrize("name", ["addReaction", "removeReaction"])
async def test_an_unknown_emoji_is_refused(world: World, name: str) -> None:
    id = await world.carol.create_channel(world.dave)
    said = await world.carol.say(id)
    async with nothing_happens(world, id, world.carol):
        for text in NO_EMOJI:
            refusal = await denied(world.dave, name, messageId=said, emoji=text)
            assert (refusal.code, refusal.field) == ("BAD_USER_INPUT", "emoji"), text


async def test_a_message_has_at_most_twenty_different_ones(world: World) -> None:
    id = await world.carol.create_channel(world.dave)
    said = await world.carol.say(id)
    last = TWENTY_ONE[20]
    for emoji in TWENTY_ONE[:20]:
        await react(world.carol, said, emoji)
    async with nothing_happens(world, id, world.carol):
        for person in (world.carol, world.dave):
            refusal = await denied(person, "addReaction", messageId=said, emoji=last)
            assert (refusal.code, refusal.field) == ("BAD_USER_INPUT", "emoji")
    assert (await react(world.dave, said, TWENTY_ONE[19]))[19]["count"] == 2
    await do(world.carol, "removeReaction", messageId=said, emoji=TWENTY_ONE[0])
    await react(world.dave, said, last)
    assert await emojis(world.dave, said) == TWENTY_ONE[1:]


async def test_the_twenty_are_twenty_when_everybody_reacts_at_once(world: World) -> None:
    id = await world.carol.create_channel(world.dave)
    said = await world.carol.say(id)
    candidates = [emoji for emoji in QUALIFIED if len(emoji) == 1][:30]
    people = [world.carol, world.dave]
    results = await asyncio.gather(
        *(
            patiently(partial(react, people[number % 2], said, emoji))
            for number, emoji in enumerate(candidates)
        ),
        return_exceptions=True,
    )
    refused = [result for result in results if isinstance(result, BaseException)]
    assert [getattr(result, "code", result) for result in refused] == ["BAD_USER_INPUT"] * 10
    assert len(await emojis(world.carol, said)) == 20


async def test_of_very_many_the_first_hundred_are_named_and_all_are_counted(world: World) -> None:
    id = await world.carol.create_channel(world.dave, world.erin)
    said = await world.carol.say(id)
    await react(world.dave, said, "\U0001f44d")
    await world.database.execute(
        "insert into reactions (message_id, emoji, user_id, place)"
        " select $1, $2, lpad(to_hex(n), 24, '0'), 1 from generate_series(1, 250) n",
        said,
        "\U0001f44d",
    )
    await react(world.carol, said, "\U0001f44d")
    selection = "{ reactions { count viewerHasReacted users(first: 100) { id } } }"
    for person, has_reacted in ((world.dave, True), (world.carol, True), (world.erin, False)):
        (found,) = (await message(person, said, selection))["reactions"]
        assert (found["count"], found["viewerHasReacted"]) == (252, has_reacted)
        assert len({user["id"] for user in found["users"]}) == 100
        assert found["users"][0] == {"id": world.dave.id}
