"""Change streams come and go: nobody who is gone keeps anything for longer because of that."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from server.services import open_directory
from server.sync_settings import KINDS
from tests.replica_set import DROPPED, HISTORY_LOST, UNAUTHORIZED, Fault, ReplicaSet
from tests.server.syncing import change, department, in_time, placed
from tests.servers import Fresh, Servers
from tests.world import PATIENCE, World, until

COLLECTIONS = ("departments", "projects", "roles", "users")


@pytest.fixture(scope="module")
async def member() -> AsyncIterator[ReplicaSet]:
    with TemporaryDirectory() as folder, ReplicaSet.running(Path(folder)) as member:
        yield member


@pytest.fixture(scope="module")
async def company(servers: Servers, fresh: Fresh, member: ReplicaSet) -> AsyncIterator[World]:
    on_it = replace(servers, mongo_url=member.url)
    async with World.running(on_it, fresh, directory_channels=KINDS) as world:
        yield world


@pytest.mark.parametrize("fault", [HISTORY_LOST, DROPPED], ids=["history lost", "invalidated"])
async def test_what_no_stream_tells_of_is_seen_as_soon_as_there_is_one_again(
    company: World, member: ReplicaSet, fault: Fault
) -> None:
    sales = await department(company)
    ann = await company.new_person("Ann", departmentId=sales)
    await placed(company, ann, [f"department:{sales}", "general"])
    opened = len(member.opened("users"))
    member.next("more", "users", fault)
    async with ann.socket() as socket, in_time():
        await change(company, ann, status="disabled")
        await placed(company, ann, [])
        assert await socket.closed() == 4403
    await until(lambda: len(member.opened("users")) > opened)
    [again] = member.opened("users")[opened:]
    assert "resumeAfter" not in again


async def test_who_is_not_told_any_more_asks(company: World, member: ReplicaSet) -> None:
    """While it is quiet the operator takes the privilege away; the next full look is far off."""
    sales = await department(company)
    ann, ben = [await company.new_person(name, departmentId=sales) for name in ("Ann", "Ben")]
    for person in (ann, ben):
        await placed(company, person, [f"department:{sales}", "general"])
    for collection in COLLECTIONS:
        member.next("more", collection, UNAUTHORIZED)
    await until(lambda: member.is_done)
    # It has looked once more, and nothing has changed.
    await asyncio.sleep(0.3)
    service = await department(company, "Service")
    async with in_time():
        await change(company, ann, status="disabled")
        await change(company, ben, departmentId=service)
        await placed(company, ann, [])
        await placed(company, ben, [f"department:{service}", "general"])


async def test_it_reads_from_the_primary_whatever_the_url_says(
    company: World, member: ReplicaSet
) -> None:
    """A secondary may not know yet of what a stream has told; here there is none to ask."""
    url = f"{member.url}&readPreference=secondary"
    settings = company.settings.model_copy(update={"mongo_url": url})
    async with open_directory(settings) as directory, asyncio.timeout(PATIENCE):
        assert await directory.users([company.carol.id])
