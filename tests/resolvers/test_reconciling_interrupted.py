"""Reconciling may be interrupted anywhere, and others go on meanwhile."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from bson import ObjectId

from resolvers import reconciling
from resolvers.reconciling import Reconciler
from storage.postgres import Database
from tests.firm import Firm
from tests.places import put

HOLDS = """
select c.id::text
  from channels c
 where c.member_count <> (select count(*) from members where channel_id = c.id)
    or c.position <> (select count(*) from events where channel_id = c.id)
    or c.position <> coalesce((select max(position) from events where channel_id = c.id), 0)
"""

PLACED = """
select p.user_id
  from placements p
  left join members m using (channel_id, user_id)
 where p.left_at is null
   and m.user_id is null
"""


@pytest.fixture
async def firm(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> Firm:
    """Steps are so small that there are many between which to be interrupted."""
    monkeypatch.setattr(reconciling, "BATCH", 3)
    return firm


class _Interrupted(Exception):
    """The process is gone."""


def interrupted_after(statements: int) -> tuple[type, list[int]]:
    """A database whose process is gone after so many statements in transactions."""
    left = [statements]

    class Mortal(Database):
        @asynccontextmanager
        async def transaction(self) -> AsyncIterator[Any]:
            async with super().transaction() as transaction:
                for name in ("fetch", "fetchrow", "fetchval", "execute"):
                    setattr(transaction, name, self._mortal(getattr(transaction, name)))
                yield transaction

        def _mortal(self, call: Any) -> Any:
            async def mortal(*args: Any) -> Any:
                left[0] -= 1
                if left[0] < 0:
                    raise _Interrupted
                return await call(*args)

            return mortal

    return Mortal, left


async def shuffle(firm: Firm, chance: random.Random) -> None:
    """Everything in the host application may have changed."""
    people = [str(each["_id"]) async for each in firm.mongo.users.find({}, ["_id"])]
    departments = [each["_id"] async for each in firm.mongo.departments.find({}, ["_id"])]
    for person in people:
        await firm.change(
            "users",
            person,
            departmentId=chance.choice([*departments, None]),
            status=chance.choice(["active", "active", "active", "disabled"]),
        )
    for department in departments:
        await firm.change(
            "departments",
            department,
            headId=ObjectId(chance.choice(people)),
            name=f"Department {chance.random()}",
        )
    async for project in firm.mongo.projects.find({}, ["_id"]):
        assigned = [ObjectId(id) for id in chance.sample(people, len(people) // 2)]
        await firm.change(
            "projects",
            project["_id"],
            assignedUserIds=assigned,
            status=chance.choice(["open", "closed"]),
        )


async def test_interrupted_anywhere_it_is_right_after_the_next_pass(firm: Firm) -> None:
    chance = random.Random(8)
    await firm.person("The last one")
    for number in range(3):
        await firm.department(f"Department {number}")
    for number in range(12):
        await firm.person(f"Person {number}", isClient=number == 0)
    for number in range(2):
        await firm.project(f"Project {number}")
    interruptions = 0
    for _ in range(8):
        await shuffle(firm, chance)
        for statements in (chance.randrange(1, 8), chance.randrange(8, 40)):
            mortal, _ = interrupted_after(statements)
            database = mortal(firm.database._pool)
            with suppress(_Interrupted):
                await Reconciler(database, firm.rules).reconcile(await firm.census.take())
                interruptions -= 1
            interruptions += 1
            assert await firm.owner.fetch(HOLDS) == []
            assert await firm.owner.fetch(PLACED) == []
        await firm.sync()
        assert await firm.owner.fetch(HOLDS) == []
        company = await firm.census.take()
        for id in company.departments:
            inside = {
                person.id
                for person in company.people.values()
                if person.is_active
                and not person.is_client
                and (person.department_id == id or person.id == company.departments[id].head_id)
            }
            assert set(await firm.members(f"department:{id}")) == inside
        for id, project in company.projects.items():
            if not project.is_closed:
                assigned = {p for p in project.assigned_ids if company.people[p].is_active}
                assert set(await firm.members(f"project:{id}")) == assigned
                assert not (await firm.row(f"project:{id}"))["is_archived"]
        assert await firm.sync() == []
    assert interruptions > 10


async def test_a_process_that_goes_on_after_a_failure_knows_nothing_for_sure(firm: Firm) -> None:
    sales = await firm.department()
    for _ in range(7):
        await firm.person(departmentId=sales)
    mortal, left = interrupted_after(9)
    reconciler = Reconciler(mortal(firm.database._pool), firm.rules)
    company = await firm.census.take()
    with pytest.raises(_Interrupted):
        await reconciler.reconcile(company)
    left[0] = 10_000
    await reconciler.reconcile(company, afresh=False)
    assert len(await firm.members(f"department:{sales}")) == 7
    assert await reconciler.reconcile(company, afresh=False) == []


async def test_two_at_once_and_people_who_come_and_go_by_hand_end_in_step(firm: Firm) -> None:
    """No deadlock, no doubled member, exact counts."""
    sales = await firm.department()
    people = [await firm.person(departmentId=sales) for _ in range(12)]
    await firm.sync()
    key = f"department:{sales}"
    await firm.mongo.users.update_many({}, {"$set": {"departmentId": None}})
    company = await firm.census.take()
    passes = [Reconciler(firm.database, firm.rules).reconcile(company) for _ in range(2)]
    by_hand = [firm.leave(key, person) for person in people[:4]]
    added = [firm.add(key, person) for person in people[4:8]]
    await asyncio.gather(*passes, *by_hand, *added)
    await firm.sync()
    assert set(await firm.members(key)) == set(people[4:8])
    assert await firm.owner.fetch(HOLDS) == []


async def test_a_sender_does_not_wait_for_the_whole_channel(
    firm: Firm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two steps the lock is free: messages stand among those who came."""
    monkeypatch.setattr(reconciling, "BATCH", 5)
    await firm.person()
    await firm.sync()
    sender = await firm.person()
    id = await firm.channel("general")
    for _ in range(60):
        await firm.person()
    syncing = asyncio.create_task(firm.sync())
    sent = 0
    while not syncing.done():
        async with firm.owner.transaction() as transaction:
            await put(transaction, id, sender)
            sent += 1
    await syncing
    kinds = [kind for kind, _ in await firm.log("general")]
    first, last = kinds.index("MessageSent"), len(kinds) - kinds[::-1].index("MessageSent")
    assert "MemberJoined" in kinds[first:last]
    assert (kinds.count("MessageSent"), kinds.count("MemberJoined")) == (sent, 62)
