"""For how long a message may be edited and deleted, where the operator limits that."""

from collections.abc import AsyncIterator

import pytest

from resolvers import policy
from storage.errors import Refusal
from tests.operations import denied, do, message, nothing_happens
from tests.world import World


@pytest.fixture(scope="module")
async def strict(world: World) -> AsyncIterator[World]:
    """A server of the same company that lets people edit for a minute, and delete for two."""
    changes = {"message_edit_seconds": 60, "message_delete_seconds": 120}
    async with world.another_server(**changes) as strict:
        yield strict


async def age(world: World, message_id: str, seconds: int) -> None:
    await world.database.execute(
        "update messages set created_at = now() - $2 * interval '1 second' where id = $1",
        message_id,
        seconds,
    )


async def test_the_sender_edits_and_deletes_for_as_long_as_they_may(strict: World) -> None:
    id = await strict.carol.create_channel(strict.dave)
    said = await strict.dave.say(id)
    await age(strict, said, 50)
    await do(strict.dave, "editMessage", messageId=said, content="Edited")
    await age(strict, said, 61)
    async with nothing_happens(strict, id, strict.carol):
        refusal = await denied(strict.dave, "editMessage", messageId=said, content="Too late")
        assert refusal.code == "FORBIDDEN"
    await age(strict, said, 121)
    async with nothing_happens(strict, id, strict.carol):
        assert (await denied(strict.dave, "deleteMessage", messageId=said)).code == "FORBIDDEN"
    await age(strict, said, 110)
    await do(strict.dave, "deleteMessage", messageId=said)


async def test_who_runs_the_channel_deletes_at_any_time_and_edits_like_everybody(
    strict: World,
) -> None:
    id = await strict.carol.create_channel(strict.dave)
    said, mine = await strict.dave.say(id), await strict.carol.say(id)
    for each in (said, mine):
        await age(strict, each, 1_000_000)
    async with nothing_happens(strict, id, strict.dave):
        refusal = await denied(strict.carol, "editMessage", messageId=mine, content="Too late")
        assert refusal.code == "FORBIDDEN"
    for each in (said, mine):
        await do(strict.carol, "deleteMessage", messageId=each)


async def test_by_default_there_is_no_limit(world: World) -> None:
    id = await world.carol.create_channel(world.dave)
    said = await world.dave.say(id)
    await age(world, said, 1_000_000_000)
    await do(world.dave, "editMessage", messageId=said, content="Edited")
    await do(world.dave, "deleteMessage", messageId=said)
    assert (await message(world.dave, said, "{ isDeleted }")) == {"isDeleted": True}


def test_the_last_moment_is_within_the_limit_and_the_next_is_not() -> None:
    policy.require_within(60, 60.0, "edited")
    with pytest.raises(Refusal):
        policy.require_within(60, 60.000001, "edited")
