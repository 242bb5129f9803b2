"""Servers follow the directory: channels within a second."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from bson import ObjectId

import loaders.roster
import server.sync
from resolvers import reconciling
from server.sync import sync_once
from server.sync_settings import KINDS
from storage.census import Census
from storage.directory import Directory
from storage.errors import Refusal, unavailable
from tests.operations import do
from tests.realtime.following import EVENTS
from tests.server.syncing import change, channel_of, comes, department, finds, found
from tests.servers import Fresh, Servers
from tests.world import PATIENCE, World, free_port, until


@pytest.fixture(scope="module")
async def company(servers: Servers, fresh: Fresh) -> AsyncIterator[World]:
    """With a server that keeps channels in step."""
    async with World.running(
        servers, fresh, directory_channels=KINDS, general_departments=("Chosen ones",)
    ) as world:
        yield world


async def kinds(operation: Any, count: int) -> list[str]:
    return [each["channelEvents"]["__typename"] for each in await operation.take(count)]


async def test_who_joins_and_leaves_the_department_is_told_live(company: World) -> None:
    sales = await department(company)
    ann, ben = [await company.new_person(name, departmentId=sales) for name in ("Ann", "Ben")]
    channel = await channel_of(company, sales, ann, ben)
    async with ann.socket() as anns, ben.socket() as bens:
        hers = await anns.subscribe(EVENTS, id=channel)
        his = await bens.subscribe(EVENTS, id=channel)
        await company.followed(channel, 2)
        cora = await company.new_person("Cora", departmentId=sales)
        assert await kinds(hers, 2) == ["MemberJoined", "MessageSent"]
        await cora.say(channel, "Hello")
        await change(company, ben, departmentId=None)
        assert await kinds(hers, 3) == ["MessageSent", "MemberLeft", "MessageSent"]
        # His last is that he left; his socket goes on.
        assert await kinds(his, 4) == ["MemberJoined", *["MessageSent"] * 2, "MemberLeft"]
        message = await his.message()
        assert message["payload"][0]["extensions"]["code"] == "FORBIDDEN"
        await bens.settled()


@asynccontextmanager
async def _leading_anew(company: World) -> AsyncIterator[World]:
    """Another server, either of which keeps channels in step anew."""
    database = company.database
    async with company.another_server() as there:
        await database.execute(
            "select pg_terminate_backend(pid) from pg_locks"
            " where locktype = 'advisory' and database = "
            "(select oid from pg_database where datname = current_database())"
        )
        yield there


async def test_who_is_renamed_or_disabled_is_found_as_they_are_on_every_server(
    company: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nothing but being told makes them look again.
    monkeypatch.setattr(loaders.roster, "REFRESH_SECONDS", 3600.0)
    ann = await company.new_person("Ann Quillfeather")
    async with company.another_server() as other:
        # Those who tell know of her, and those who are told listen.
        await comes(company.database, "select true from placements where user_id = $1", ann.id)
        bells = [each.services.live.bell for each in (company, other)]
        await until(lambda: all(bell.is_connected for bell in bells))
        seekers = (company.carol, other.carol)
        for seeker in seekers:
            assert await found(seeker, "Quillfeather") == [ann.id]
        await change(company, ann, name="Ann Zaunkoenig")
        for seeker in seekers:
            await finds(seeker, "Zaunkoenig", [ann.id])
            assert await found(seeker, "Quillfeather") == []
        await change(company, ann, status="disabled")
        for seeker in seekers:
            await finds(seeker, "Zaunkoenig", [])


async def test_what_changes_while_it_cannot_be_read_is_told_of_when_it_can(
    company: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loaders.roster, "REFRESH_SECONDS", 3600.0)
    eve = await company.new_person("Eve Nightingale")
    await comes(company.database, "select true from placements where user_id = $1", eve.id)
    assert await found(company.carol, "Nightingale") == [eve.id]
    retake, failed = Census.retake, asyncio.Event()

    async def fails_once(*_: Any) -> Any:
        monkeypatch.setattr(Census, "retake", retake)
        failed.set()
        raise unavailable("mongodb")

    monkeypatch.setattr(Census, "retake", fails_once)
    await change(company, eve, name="Eve Sprosser")
    async with asyncio.timeout(PATIENCE):
        await failed.wait()
    await finds(company.carol, "Sprosser", [eve.id])


async def test_another_process_goes_on_when_the_one_ends(company: World) -> None:
    # Other companies of the tests are on the same PostgreSQL, and each has a leader.
    leaders = (
        "select count(*) from pg_locks where locktype = 'advisory' and objid = $1 and granted"
        " and database = (select oid from pg_database where datname = current_database())"
    )
    database = company.database
    async with _leading_anew(company):
        await department(company, "One of them")
    sales = await department(company, "The other")
    await channel_of(company, sales)
    assert await database.fetchval(leaders, 0x6263_0001) == 1


async def test_a_department_the_settings_name_has_a_general_channel_for_its_people(
    company: World,
) -> None:
    chosen = await department(company, "Chosen ones")
    ann = await company.new_person("Ann", departmentId=chosen)
    id = await comes(
        company.database,
        "select c.id::text from channels c join members m on m.channel_id = c.id"
        " where c.type = 'GENERAL' and c.department_id = $1 and m.user_id = $2",
        str(chosen),
        ann.id,
    )
    query = "query ($id: ID!) { channel(id: $id) { name type departmentId } }"
    seen = {"name": "general Chosen ones", "type": "GENERAL", "departmentId": str(chosen)}
    assert (await ann.run(query, id=id))["channel"] == seen
    assert (await company.dave.run(query, id=id))["channel"] is None
    await ann.say(id, "Among us")


async def test_who_left_on_purpose_stays_out_when_somebody_else_comes(company: World) -> None:
    sales = await department(company, "Left behind")
    ann = await company.new_person("Ann", departmentId=sales)
    channel = await channel_of(company, sales, ann)
    await do(ann, "leaveChannel", channelId=channel)
    await change(company, ann, name="Ann again")
    ben = await company.new_person("Ben", departmentId=sales)
    assert await channel_of(company, sales, ben) == channel


async def test_who_is_gone_does_not_wait_for_many_who_come(
    company: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pass that takes long makes way for what is new."""
    monkeypatch.setattr(reconciling, "BATCH", 1)
    monkeypatch.setattr(server.sync, "PASS_SECONDS", 0.0)
    sales = await department(company, "Grows fast")
    ann = await company.new_person("Ann", departmentId=sales)
    channel = await channel_of(company, sales, ann)
    hired = [
        {"_id": ObjectId(), "name": "New", "status": "active", "departmentId": sales}
        for _ in range(60)
    ]
    await company.mongo.users.insert_many(hired)
    joined = "select count(*) from members where channel_id = $1 and user_id <> $2"
    await comes(company.database, f"select ({joined}) > 0", channel, ann.id)
    await change(company, ann, status="disabled")
    await comes(company.database, f"select ({joined}) = 60", channel, ann.id)
    events = await company.database.fetch(
        "select kind, user_id from events where channel_id = $1 order by position", channel
    )
    others = [each["kind"] for each in events if each["user_id"] != ann.id]
    left = [each["kind"] for each in events].index("MemberLeft")
    assert "MemberJoined" in [each["kind"] for each in events[left:]]
    assert others.count("MemberJoined") == 60


@pytest.mark.parametrize("away", ["at the start", "halfway"])
async def test_nobody_is_thrown_out_by_a_directory_that_cannot_be_read(
    company: World, away: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sales = await department(company, f"Away {away}")
    ann = await company.new_person("Ann", departmentId=sales)
    channel = await channel_of(company, sales, ann)
    before = await company.state_of(channel)
    settings = company.settings
    if away == "at the start":
        nowhere = f"mongodb://127.0.0.1:{free_port()}"
        settings = settings.model_copy(update={"mongo_url": nowhere, "mongo_timeout": 0.3})
    else:
        people = Directory.people

        async def cut(self: Directory, *args: Any) -> AsyncIterator[Any]:
            async for batch in people(self, *args):
                yield batch
                raise unavailable("mongodb")

        monkeypatch.setattr(Directory, "people", cut)
    with pytest.raises(Refusal) as refusal:
        await sync_once(settings)
    assert (refusal.value.code, refusal.value.service) == ("UNAVAILABLE", "mongodb")
    assert await company.state_of(channel) == before
