"""Who is gone, or may do something else now, is so within five seconds, told of it or not."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest
from bson import ObjectId
from pymongo.errors import OperationFailure

from server.sync import sync_once
from server.sync_settings import KINDS
from storage.directory import Directory
from storage.records import ChannelType
from tests.operations import denied, do
from tests.places import MEMBER, place
from tests.realtime.following import EVENTS
from tests.server.syncing import SECONDS, change, channel_of, department, found, gone, within
from tests.servers import Fresh, Servers
from tests.world import Person, RefusedError, World


def _unsupported(*_: Any) -> Any:
    raise OperationFailure("The $changeStream stage is only supported on replica sets", 40573)


@pytest.fixture(scope="module", params=[True, False], ids=["with change streams", "without"])
async def company(
    servers: Servers, fresh: Fresh, request: pytest.FixtureRequest
) -> AsyncIterator[World]:
    """Where MongoDB tells of changes, and where it does not."""
    with pytest.MonkeyPatch.context() as patch:
        if not request.param:
            patch.setattr(Directory, "watch", _unsupported)
        async with World.running(servers, fresh, directory_channels=KINDS) as world:
            yield world


@pytest.mark.parametrize("how", ["disabled", "deleted"])
async def test_who_is_gone_loses_everything(company: World, how: str) -> None:
    sales = await department(company, f"{how} people")
    ann = await company.new_person("Ann", departmentId=sales)
    channel = await channel_of(company, sales, ann, seconds=15.0)
    async with ann.socket() as socket:
        await ann.run("{ viewer { user { id } } }")
        if how == "deleted":
            await company.mongo.users.delete_one({"_id": ObjectId(ann.id)})
        else:
            await change(company, ann, status="disabled")
        async with within(SECONDS):
            assert await socket.closed() == 4403
            await gone(company, channel, ann)
            assert (await ann.refused("{ viewer { user { id } } }")).code == "UNAUTHENTICATED"


async def test_a_role_that_is_taken_away_is_so_at_once(company: World) -> None:
    """A super admin looks on in a department; an ordinary employee does not."""
    sales = await department(company, "Looked upon")
    ann = await company.new_person("Ann", departmentId=sales)
    roles = {each["name"]: each["_id"] async for each in company.mongo.roles.find({})}
    boss = await company.new_person("Boss", role=roles["super_admin"])
    await sync_once(company.settings)
    channel = await channel_of(company, sales, ann, seconds=15.0)
    async with boss.socket() as socket:
        looks = await socket.subscribe(EVENTS, id=channel)
        await company.followed(channel)
        async with within(SECONDS):
            await change(company, boss, role=roles["employee"])
            message = await looks.message()
        assert message["payload"][0]["extensions"]["code"] == "FORBIDDEN"
        await socket.settled()
        await ann.say(channel, "Among us")
        assert looks.is_silent
    assert await boss.run("query ($id: ID!) { channel(id: $id) { id } }", id=channel) == {
        "channel": None
    }


async def test_what_a_role_permits_follows_at_once(company: World) -> None:
    role = ObjectId()
    create = [{"resource": "channels", "actions": ["create"]}]
    await company.mongo.roles.insert_one({"_id": role, "name": "makers", "permissions": create})
    ann = await company.new_person("Ann", role=role)
    await ann.create_channel()
    await company.mongo.roles.update_one({"_id": role}, {"$set": {"permissions": []}})
    async with asyncio.timeout(SECONDS):
        while await _tries(ann) != "FORBIDDEN":  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_another_team_of_one_s_own_counts_at_once(company: World) -> None:
    ann = await company.new_person("Ann")
    assert await _writes_to_a_colleague(ann) == "OK"
    await change(company, ann, teamId=ObjectId())
    async with asyncio.timeout(SECONDS):
        while await _writes_to_a_colleague(ann) != "FORBIDDEN":
            pass


async def _writes_to_a_colleague(person: Person) -> str:
    """Whether they may write to somebody of the first team, to whom they never wrote before."""
    other = await person.world.new_person("Colleague")
    try:
        await do(person, "openDirectMessage", userIds=[other.id])
    except RefusedError as refusal:
        return str(refusal.code)
    return "OK"


async def test_another_team_of_somebody_else_counts_at_once(company: World) -> None:
    name = f"Benedict{ObjectId()}"
    ben = await company.new_person(name)
    assert await found(company.dave, name) == [ben.id]
    await change(company, ben, teamId=ObjectId())
    refusal = await denied(company.dave, "openDirectMessage", userIds=[ben.id])
    assert refusal.code == "FORBIDDEN"
    async with asyncio.timeout(SECONDS):
        # Whom a search finds is read anew every five seconds where nobody tells of a change.
        while await found(company.dave, name):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_another_department_counts_at_once(company: World) -> None:
    """Its general channel is found and read by its people alone."""
    sales = await department(company)
    ann = await company.new_person("Ann", departmentId=sales)
    channel = await place(
        company, ChannelType.GENERAL, (company.carol, MEMBER), department_id=str(sales)
    )
    look = partial(do, ann, "channel", "{ id }", id=channel)
    assert await look() == {"id": channel}
    async with ann.socket() as socket:
        looks = await socket.subscribe(EVENTS, id=channel)
        await company.followed(channel)
        async with within(SECONDS):
            await change(company, ann, departmentId=ObjectId())
            message = await looks.message()
            assert message["payload"][0]["extensions"]["code"] == "FORBIDDEN"
            assert await look() is None


async def _tries(person: Person) -> str:
    result = await person.post(
        'mutation { createChannel(input: { name: "One more" }) { channel { id } } }'
    )
    return str(result["errors"][0]["extensions"]["code"]) if result.get("errors") else "OK"
