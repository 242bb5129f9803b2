"""General channels: the company's, and one for each department that the operator chose."""

from dataclasses import replace

import pytest
from bson import ObjectId

from resolvers.directory_rules import EVERY, DirectoryRules, folded
from storage.records import ChannelType
from tests.firm import Firm


def chosen(*departments: object) -> DirectoryRules:
    return DirectoryRules(general_departments=frozenset(folded(str(each)) for each in departments))


async def generals(firm: Firm) -> set[str]:
    """The keys of all general channels that are open."""
    rows = await firm.owner.fetch(
        "select d.key from directory_channels d join channels c on c.id = d.channel_id"
        " where c.type = 'GENERAL' and c.archived_at is null"
    )
    return {row[0] for row in rows}


async def test_nobody_chose_any_so_there_is_the_company_s_alone(firm: Firm) -> None:
    await firm.department("Sales", await firm.person())
    await firm.sync()
    assert await generals(firm) == {"general"}


async def test_a_chosen_department_has_one_for_its_people_and_head_and_no_client(
    firm: Firm,
) -> None:
    head = await firm.person("Head")
    sales = await firm.department("Sales", head)
    other = await firm.department("Legal", head)
    ann, ben = [await firm.person(departmentId=sales) for _ in range(2)]
    await firm.person(departmentId=other)
    client = await firm.person(isClient=True, departmentId=sales)
    gone = await firm.person(status="disabled", departmentId=sales)
    firm.rules = chosen("  sALES ")
    made = await firm.sync()
    key = f"general:{sales}"
    assert await generals(firm) == {"general", key}
    assert await firm.members(key) == {head: "ADMIN", ann: "MEMBER", ben: "MEMBER"}
    row = await firm.row(key)
    assert (row["type"], row["name"], row["department_id"], row["is_private"]) == (
        "GENERAL",
        "general Sales",
        str(sales),
        False,
    )
    assert "GENERAL general Sales: made, 3 joined" in map(str, made)
    assert await firm.sync() == []
    # Who comes, goes, or becomes a client does so here too, and no notice says so.
    await firm.change("users", ann, isClient=True)
    await firm.change("users", ben, departmentId=other)
    await firm.change("users", client, isClient=False)
    await firm.change("users", gone, status="active")
    await firm.sync()
    assert await firm.members(key) == {head: "ADMIN", client: "MEMBER", gone: "MEMBER"}
    assert {kind for kind, _ in await firm.log(key)} == {"MemberJoined", "MemberLeft"}


@pytest.mark.parametrize("how", ["name", "id", "every"])
async def test_departments_are_chosen_by_name_by_id_or_all(firm: Firm, how: str) -> None:
    await firm.person()
    sales = await firm.department("Sales & Service")
    twin = await firm.department("sales  &  service")
    legal = await firm.department("Legal")
    firm.rules = chosen({"name": "Sales & Service", "id": str(sales).upper(), "every": EVERY}[how])
    await firm.sync()
    wanted = {"name": [sales, twin], "id": [sales], "every": [sales, twin, legal]}[how]
    assert await generals(firm) == {"general", *(f"general:{id}" for id in wanted)}


async def test_a_department_chosen_no_longer_or_gone_has_it_archived_until_it_is_again(
    firm: Firm,
) -> None:
    sales, legal = await firm.department("Sales"), await firm.department("Legal")
    ann = await firm.person(departmentId=sales)
    ben = await firm.person(departmentId=legal)
    firm.rules = chosen("Sales", "Legal")
    await firm.sync()
    kept = await firm.mongo.departments.find_one({"_id": legal})
    await firm.mongo.departments.delete_one({"_id": legal})
    firm.rules = chosen("Legal")
    await firm.sync()
    assert await generals(firm) == {"general"}
    # What was said can still be read by those who were in, and who leaves leaves.
    assert await firm.members(f"general:{sales}") == {ann: "MEMBER"}
    assert await firm.members(f"general:{legal}") == {ben: "MEMBER"}
    await firm.change("users", ann, departmentId=ObjectId())
    assert len(await firm.sync()) == 2  # the department's, and its general channel
    assert await firm.members(f"general:{sales}") == {}
    assert await firm.sync() == []
    await firm.mongo.departments.insert_one(kept)
    firm.rules = chosen(str(sales), "Legal")
    await firm.sync()
    assert await generals(firm) == {"general", f"general:{sales}", f"general:{legal}"}


async def test_a_department_renamed_renames_it_and_by_name_it_is_chosen_no_longer(
    firm: Firm,
) -> None:
    await firm.person()
    sales = await firm.department("Sales")
    firm.rules = chosen(str(sales))
    await firm.sync()
    await firm.change("departments", sales, name="Trade")
    await firm.sync()
    assert (await firm.row(f"general:{sales}"))["name"] == "general Trade"
    firm.rules = chosen("Sales")
    await firm.sync()
    assert (await firm.row(f"general:{sales}"))["is_archived"]


async def test_who_left_one_on_purpose_is_not_dragged_back_and_who_was_added_stays(
    firm: Firm,
) -> None:
    sales = await firm.department()
    ann, guest = await firm.person(departmentId=sales), await firm.person()
    firm.rules = chosen(EVERY)
    await firm.sync()
    key = f"general:{sales}"
    await firm.leave(key, ann)
    await firm.add(key, guest)
    assert await firm.sync() == []
    assert await firm.members(key) == {guest: "MEMBER"}


async def test_an_operator_without_general_channels_has_none_of_departments_either(
    firm: Firm,
) -> None:
    await firm.department("Sales", await firm.person())
    firm.rules = replace(chosen(EVERY), types=frozenset({ChannelType.DEPARTMENT}))
    await firm.sync()
    assert await generals(firm) == set()
