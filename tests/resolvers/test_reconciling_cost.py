"""Bringing channels in step does no more than there is to do, and in small steps."""

import pytest
from bson import ObjectId

from resolvers import attendance, reconciling
from resolvers.directory_rules import DirectoryRules
from resolvers.reconciling import EmptyDirectory
from storage.census import Kind
from storage.postgres import Database
from storage.records import ChannelType
from tests.firm import Firm


async def test_what_has_not_changed_costs_one_statement_and_four_queries(
    firm: Firm, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = await firm.person()
    for number in range(20):
        sales = await firm.department(f"Department {number}", head)
        people = [await firm.person(departmentId=sales) for _ in range(3)]
        await firm.project(f"Project {number}", *people)
    for _ in range(5):
        await firm.person(isClient=True)
    made = await firm.sync()
    assert len(made) == 20 + 20 + 1 + 5
    statements: list[str] = []
    queries: list[str] = []

    async def counted(query: str, *args: object) -> object:
        statements.append(query)
        async with firm.database.reading() as connection:
            return await connection.fetch(query, *args)

    batches = firm.census.directory.batches

    def asked(collection: str, *rest: object) -> object:
        queries.append(collection)
        return batches(collection, *rest)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(firm.database, "fetch", counted)
        patch.delattr(Database, "transaction")
        patch.setattr(firm.census.directory, "batches", asked)
        assert await firm.sync() == []
    assert len(statements) == 1
    assert sorted(queries) == ["departments", "projects", "roles", "users"]


async def test_many_come_in_small_steps_and_without_notices(
    firm: Firm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciling, "BATCH", 10)
    sales = await firm.department()
    await firm.person()
    await firm.sync()
    few = [await firm.person(departmentId=sales) for _ in range(attendance.MOST_TOLD)]
    await firm.sync()
    key = f"department:{sales}"
    told = [kind for kind, _ in await firm.log(key)]
    assert told.count("MessageSent") == len(few)
    many = [await firm.person(departmentId=sales) for _ in range(attendance.MOST_TOLD + 5)]
    await firm.sync()
    assert set(await firm.members(key)) == {*few, *many}
    told = [kind for kind, _ in await firm.log(key)]
    assert (told.count("MessageSent"), told.count("MemberJoined")) == (len(few), len(few + many))
    assert (await firm.row(key))["position"] == len(told)


async def test_an_empty_directory_is_no_company(firm: Firm) -> None:
    ann = await firm.person()
    sales = await firm.department("Sales", ann)
    await firm.sync()
    await firm.mongo.users.delete_many({})
    with pytest.raises(EmptyDirectory):
        await firm.sync()
    assert await firm.members(f"department:{sales}") == {ann: "ADMIN"}


async def test_only_the_kinds_that_are_asked_for_are_touched(firm: Firm) -> None:
    ann = await firm.person()
    sales = await firm.department("Sales", ann)
    await firm.sync()
    firm.rules = DirectoryRules(types=frozenset({ChannelType.PROJECT}))
    await firm.project("Apollo", ann)
    await firm.mongo.departments.delete_many({})
    await firm.person()
    [made] = await firm.sync()
    assert (made.type, made.is_new, made.joined) == ("PROJECT", True, 1)
    assert not (await firm.row(f"department:{sales}"))["is_archived"]


async def test_what_changed_is_read_and_compared_alone(firm: Firm) -> None:
    sales = await firm.department("Sales")
    ann = await firm.person(departmentId=sales)
    reconciler = reconciling.Reconciler(firm.database, firm.rules)
    company = await firm.census.take()
    await reconciler.reconcile(company)
    await firm.change("departments", sales, name="Service")
    await firm.mongo.users.delete_one({"_id": ObjectId(ann)})
    ben = await firm.person(departmentId=sales)
    changed = {Kind.DEPARTMENT: {sales}, Kind.USER: {ObjectId(ann), ObjectId(ben)}}
    company = await firm.census.retake(company, changed)
    done = await reconciler.reconcile(company, afresh=False)
    assert sorted(str(each) for each in done) == [
        "DEPARTMENT Service: renamed, 1 joined, 1 left",
        "GENERAL general: 1 joined, 1 left",
    ]
    assert await firm.members(f"department:{sales}") == {ben: "MEMBER"}
    assert company == await firm.census.take()
