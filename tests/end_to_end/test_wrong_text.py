"""What is no text, wherever a client can give a text or an id: refused by name, nothing done."""

import pytest

from tests.end_to_end.house import House, refused
from tests.operations import nothing_happens
from tests.walk import Place, places
from tests.world import RefusedError, World

EVERYWHERE = places()
TEXTS = [place for place in EVERYWHERE if place.type in ("String", "ID")]
OVER_HTTP = [place for place in TEXTS if place.operation != "subscription"]
OVER_SOCKETS = [place for place in TEXTS if place.operation == "subscription"]

NOT_TEXT = ["\x00", "a\x00b", "\ud800", "ok \udfff", "\udc00\ud800"]


@pytest.mark.parametrize("place", OVER_HTTP, ids=str)
async def test_what_is_no_text_is_refused_by_name(world: World, house: House, place: Place) -> None:
    async with nothing_happens(world, house.channel, world.dave):
        for text in NOT_TEXT:
            query, variables = place.by_variable(house.examples, text)
            extensions = await refused(world.carol, query, variables)
            if extensions is None:
                assert place.operation == "query"
                assert place.type == "ID"
            else:
                assert extensions["field"] == place.name
        # GraphQL spells NUL as JSON does; a lone surrogate is not even GraphQL.
        extensions = await refused(world.carol, place.by_literal(house.examples, "a\x00b"))
        assert extensions is None or extensions["field"] == place.name
        extensions = await refused(world.carol, place.by_literal(house.examples, "\ud800"))
        assert extensions is not None
        assert extensions["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize("place", OVER_SOCKETS, ids=str)
async def test_what_is_no_text_starts_no_subscription(
    world: World, house: House, place: Place
) -> None:
    async with world.carol.socket() as socket:
        for text in NOT_TEXT:
            query, variables = place.by_variable(house.examples, text)
            operation = await socket.subscribe(query, **variables)
            if place.is_list:
                # Among others, whoever is not there is passed over in silence.
                await socket.settled()
                assert operation.is_silent
                await operation.complete()
                continue
            with pytest.raises(RefusedError) as refusal:
                await operation.next()
            assert refusal.value.code in ("BAD_USER_INPUT", "NOT_FOUND")
            assert refusal.value.field == place.name


async def test_variables_that_nobody_asked_for_hurt_nobody(world: World, house: House) -> None:
    query = "subscription ($id: ID!) { messageAdded(channelId: $id) { id } }"
    async with world.carol.socket() as socket:
        operation = await socket.subscribe(query, id=house.channel, text="\ud800", number=2**70)
        await world.followed(house.channel)
        said = await world.dave.say(house.channel)
        assert await operation.next() == {"messageAdded": {"id": said}}


def test_the_walk_finds_what_is_there() -> None:
    names = {str(place) for place in EVERYWHERE}
    assert names >= {
        "users.search",
        "viewer.channels.filter.search",
        "viewer.channels.filter.types",
        "viewer.channels.after",
        "channel.messages.before",
        "channel.members.first",
        "message.replies.after",
        "message.reactions.users.first",
        "sendMessage.input.mentionedUserIds",
        "updateChannel.input.avatarUrl",
        "setTyping.isTyping",
        "channelEvents.after",
    }
