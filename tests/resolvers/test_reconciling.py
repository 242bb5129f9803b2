"""Channels make and keep themselves from the directory."""

from typing import Any

import pytest
from bson import ObjectId

from tests.firm import Firm


async def test_a_department_has_a_channel_with_its_people_and_its_head(firm: Firm) -> None:
    head = await firm.person("Head")
    sales = await firm.department("Sales", head)
    ann = await firm.person("Ann", departmentId=sales)
    await firm.person("Elsewhere")
    await firm.sync()
    key = f"department:{sales}"
    assert await firm.members(key) == {head: "ADMIN", ann: "MEMBER"}
    row = await firm.row(key)
    assert (row["type"], row["name"], row["department_id"]) == ("DEPARTMENT", "Sales", str(sales))
    assert (row["member_count"], row["is_private"], row["created_by"]) == (2, False, None)
    # They came with the channel: that is in the log, and no news in the channel.
    joined = {("MemberJoined", head), ("MemberJoined", ann)}
    assert set(await firm.log(key)) == joined


async def test_who_joins_the_department_joins_the_channel_and_who_leaves_leaves(
    firm: Firm,
) -> None:
    sales = await firm.department()
    ann = await firm.person()
    key = f"department:{sales}"
    await firm.sync()
    assert await firm.members(key) == {}
    await firm.change("users", ann, departmentId=sales)
    await firm.sync()
    assert await firm.members(key) == {ann: "MEMBER"}
    await firm.change("users", ann, departmentId=None)
    await firm.sync()
    assert await firm.members(key) == {}
    assert await firm.log(key) == [
        ("MemberJoined", ann),
        ("MessageSent", "joined the channel"),
        ("MemberLeft", ann),
        ("MessageSent", "left the channel"),
    ]


async def test_who_was_added_by_hand_stays(firm: Firm) -> None:
    sales = await firm.department()
    key = f"department:{sales}"
    guest, ann, first = [await firm.person() for _ in range(3)]
    await firm.sync()
    await firm.add(key, guest, first)
    for person in (first, ann):
        await firm.change("users", person, departmentId=sales)
    await firm.sync()
    # Added once more, by hand, whom the directory has put there already.
    await firm.add(key, ann)
    for person in (first, ann):
        await firm.change("users", person, departmentId=None)
    await firm.sync()
    everybody = {guest: "MEMBER", ann: "MEMBER", first: "MEMBER"}
    assert await firm.members(key) == everybody
    await firm.change("users", guest, status="disabled")
    await firm.sync()
    assert await firm.members(key) == everybody


async def test_who_left_on_purpose_is_not_dragged_back(firm: Firm) -> None:
    sales = await firm.department()
    ann = await firm.person(departmentId=sales)
    key = f"department:{sales}"
    await firm.sync()
    await firm.leave(key, ann)
    assert await firm.sync() == []
    assert await firm.members(key) == {}
    # Somebody may add them, and they stay.
    await firm.add(key, ann)
    await firm.change("users", ann, departmentId=None)
    await firm.sync()
    assert await firm.members(key) == {ann: "MEMBER"}


@pytest.mark.parametrize("gone", ["disabled", "deleted", "moved"])
async def test_who_is_hired_again_comes_back_even_if_they_had_left_on_purpose(
    firm: Firm, gone: str
) -> None:
    sales = await firm.department()
    ann, ben = [await firm.person(departmentId=sales) for _ in range(2)]
    await firm.person()
    key = f"department:{sales}"
    await firm.sync()
    await firm.leave(key, ann)
    kept = {id: await firm.mongo.users.find_one({"_id": ObjectId(id)}) for id in (ann, ben)}
    for id in (ann, ben):
        if gone == "deleted":
            await firm.mongo.users.delete_one({"_id": ObjectId(id)})
        elif gone == "disabled":
            await firm.change("users", id, status="disabled")
        else:
            await firm.change("users", id, departmentId=ObjectId())
    await firm.sync()
    assert await firm.members(key) == {}
    for id, document in kept.items():
        await firm.mongo.users.replace_one({"_id": ObjectId(id)}, document, upsert=True)
    await firm.sync()
    assert await firm.members(key) == {ann: "MEMBER", ben: "MEMBER"}


async def test_another_head_is_admin_and_the_one_before_no_longer(firm: Firm) -> None:
    first, second = await firm.person(), await firm.person()
    sales = await firm.department("Sales", first)
    for id in (first, second):
        await firm.change("users", id, departmentId=sales)
    key = f"department:{sales}"
    await firm.sync()
    assert await firm.members(key) == {first: "ADMIN", second: "MEMBER"}
    await firm.change("departments", sales, headId=ObjectId(second))
    await firm.sync()
    assert await firm.members(key) == {first: "MEMBER", second: "ADMIN"}
    assert [kind for kind, _ in await firm.log(key)][-2:] == ["MemberRoleChanged"] * 2


async def test_a_role_given_by_hand_stays(firm: Firm) -> None:
    sales = await firm.department()
    ann = await firm.person(departmentId=sales)
    key = f"department:{sales}"
    await firm.sync()
    await firm.owner.execute("update members set role = 'OWNER'")
    await firm.change("departments", sales, headId=ObjectId(ann))
    await firm.sync()
    assert await firm.members(key) == {ann: "OWNER"}
    assert await firm.sync() == []


async def test_a_guest_who_becomes_head_is_admin_for_as_long(firm: Firm) -> None:
    sales = await firm.department()
    guest = await firm.person()
    key = f"department:{sales}"
    await firm.sync()
    await firm.add(key, guest)
    await firm.change("departments", sales, headId=ObjectId(guest))
    await firm.sync()
    assert await firm.members(key) == {guest: "ADMIN"}
    await firm.change("departments", sales, headId=None)
    await firm.sync()
    assert await firm.members(key) == {guest: "MEMBER"}


async def test_a_department_renamed_renames_its_channel(firm: Firm) -> None:
    sales = await firm.department("Sales")
    await firm.person()
    key = f"department:{sales}"
    await firm.sync()
    await firm.change("departments", sales, name=" Sales\u00a0\n and\0 Service " + "x" * 100)
    await firm.sync()
    name = (await firm.row(key))["name"]
    assert name == ("Sales and Service " + "x" * 100)[:80]
    assert await firm.log(key) == [("ChannelUpdated", None)]
    # By hand it may be called otherwise, until the directory has another name again.
    await firm.owner.execute("update channels set name = 'The sellers' where name = $1", name)
    assert await firm.sync() == []
    await firm.change("departments", sales, name="Sales")
    [done] = await firm.sync()
    assert (await firm.row(key))["name"] == "Sales"
    assert str(done) == "DEPARTMENT Sales: renamed"


@pytest.mark.parametrize("closing", ["status", "deleted", "missing department"])
async def test_what_is_closed_is_archived_and_restored_when_it_is_open_again(
    firm: Firm, closing: str
) -> None:
    ann = await firm.person()
    if closing == "missing department":
        collection, id = "departments", await firm.department()
        await firm.change("users", ann, departmentId=id)
        key = f"department:{id}"
    else:
        collection, id = "projects", await firm.project("Apollo", ann, status="active")
        key = f"project:{id}"
    await firm.sync()
    assert not (await firm.row(key))["is_archived"]
    kept = await firm.mongo[collection].find_one({"_id": id})
    if closing == "status":
        await firm.change(collection, id, status="Completed")
    else:
        await firm.mongo[collection].delete_one({"_id": id})
    await firm.sync()
    assert (await firm.row(key))["is_archived"]
    assert await firm.members(key) == {ann: "MEMBER"}
    assert (await firm.log(key))[-1] == ("ChannelUpdated", None)
    assert await firm.sync() == []
    # Who goes meanwhile goes here too.
    await firm.change("users", ann, status="disabled")
    await firm.person()
    await firm.sync()
    assert await firm.members(key) == {}
    assert (await firm.log(key))[-1] == ("MemberLeft", ann)
    await firm.mongo[collection].replace_one({"_id": id}, kept, upsert=True)
    await firm.sync()
    assert not (await firm.row(key))["is_archived"]


async def test_what_people_archived_or_restored_stays_so(firm: Firm) -> None:
    ann = await firm.person()
    open_one = await firm.project("Open", ann)
    closed = await firm.project("Closed", ann)
    await firm.sync()
    await firm.change("projects", closed, status="closed")
    await firm.sync()
    await firm.owner.execute(
        "update channels set archived_at = case when archived_at is null then now() end"
        " where type = 'PROJECT'"
    )
    assert await firm.sync() == []
    assert (await firm.row(f"project:{open_one}"))["is_archived"]
    assert not (await firm.row(f"project:{closed}"))["is_archived"]


async def test_a_project_that_was_closed_before_gets_no_channel(firm: Firm) -> None:
    ann = await firm.person()
    await firm.project("Old", ann, status="closed")
    await firm.sync()
    assert await firm.owner.fetchval("select count(*) from channels where type = 'PROJECT'") == 0


async def test_a_project_has_its_assigned_people_but_no_missing_or_disabled_ones(
    firm: Firm,
) -> None:
    ann = await firm.person()
    client = await firm.person(isClient=True)
    disabled = await firm.person(status="disabled")
    project = await firm.project("Apollo", ann, client, disabled, str(ObjectId()))
    await firm.change(
        "projects",
        project,
        assignedUserIds=[
            *(ObjectId(id) for id in (ann, client, disabled)),
            ObjectId(),
            None,
            "nonsense",
            7,
        ],
    )
    await firm.sync()
    assert await firm.members(f"project:{project}") == {ann: "MEMBER", client: "MEMBER"}
    await firm.change("users", disabled, status="active")
    await firm.sync()
    assert disabled in await firm.members(f"project:{project}")


async def test_whoever_nobody_can_sign_in_as_is_a_member_of_nothing(firm: Firm) -> None:
    """An ``_id`` that is no ObjectId is none that a token or a query could name."""
    sales = await firm.department()
    ann = await firm.person("Ann", departmentId=sales)
    for id in ("root", 7, "f" * 24):
        await firm.mongo.users.insert_one(
            {"_id": id, "name": "Legacy", "status": "active", "departmentId": sales}
        )
    await firm.sync()
    for key in ("general", f"department:{sales}"):
        assert await firm.members(key) == {ann: "MEMBER"}
    assert [person.id async for some in firm.census.directory.everybody() for person in some] == [
        ann
    ]


async def test_a_department_of_which_nothing_can_be_stored_keeps_nobody_from_theirs(
    firm: Firm,
) -> None:
    """MongoDB takes any ``_id``, and NUL in every text."""
    ann = await firm.person("Ann", departmentId="Sa\0les")
    odd: list[Any] = ["a\0b", "x" * 3_000, {"a": 1}, 7, "Sales"]
    for id in odd:
        await firm.mongo.departments.insert_one({"_id": id, "name": "O\0dd", "headId": ann})
        await firm.mongo.projects.insert_one(
            {"_id": id, "name": None, "assignedUserIds": [ann, ObjectId(ann), "a\0b"]}
        )
    await firm.sync()
    for id in odd[2:]:
        assert await firm.members(f"department:{id}") == {ann: "ADMIN"}
        assert await firm.members(f"project:{id}") == {ann: "MEMBER"}
        assert (await firm.row(f"department:{id}"))["name"] == "Odd"
    assert len(await firm.owner.fetch("select from channels")) == 1 + 2 * 3
    assert await firm.sync() == []


async def test_names_need_not_differ(firm: Firm) -> None:
    ann, ben = await firm.person(), await firm.person()
    first, second = [await firm.department("Sales", head) for head in (ann, ben)]
    await firm.sync()
    for id, head in ((first, ann), (second, ben)):
        assert (await firm.row(f"department:{id}"))["name"] == "Sales"
        assert await firm.members(f"department:{id}") == {head: "ADMIN"}


async def test_ids_may_be_stored_as_text_wherever_they_are_named(firm: Firm) -> None:
    head, ann = await firm.person(), await firm.person()
    sales = await firm.department("Sales")
    agents = await firm.role("agents", "support", "answer")
    await firm.mongo.departments.update_one({}, {"$set": {"headId": head}})
    await firm.change("users", ann, departmentId=str(sales), role=str(agents))
    client = await firm.person("Client", isClient=True)
    project = await firm.project()
    await firm.change("projects", project, assignedUserIds=[ann, ann, client])
    await firm.sync()
    assert await firm.members(f"department:{sales}") == {head: "ADMIN", ann: "MEMBER"}
    assert await firm.members(f"project:{project}") == {ann: "MEMBER", client: "MEMBER"}
    assert await firm.members(f"client:{client}") == {ann: "OWNER", client: "MEMBER"}


async def test_a_client_who_comes_back_has_their_channel_back(firm: Firm) -> None:
    agent = await firm.person(role=await firm.role("agents", "support", "answer"))
    client = await firm.person("Client", isClient=True)
    key = f"client:{client}"
    await firm.sync()
    channel = await firm.channel(key)
    kept = await firm.mongo.users.find_one_and_delete({"_id": ObjectId(client)})
    await firm.sync()
    assert (await firm.row(key))["is_archived"]
    assert await firm.members(key) == {agent: "OWNER"}
    await firm.mongo.users.insert_one(kept)
    await firm.sync()
    assert not (await firm.row(key))["is_archived"]
    assert await firm.members(key) == {agent: "OWNER", client: "MEMBER"}
    assert await firm.channel(key) == channel


async def test_everybody_inside_is_in_the_general_channel_without_notices(firm: Firm) -> None:
    ann, ben = await firm.person(), await firm.person()
    client = await firm.person(isClient=True)
    await firm.sync()
    assert await firm.members("general") == {ann: "MEMBER", ben: "MEMBER"}
    cora = await firm.person()
    await firm.sync()
    assert await firm.members("general") == {ann: "MEMBER", ben: "MEMBER", cora: "MEMBER"}
    assert {kind for kind, _ in await firm.log("general")} == {"MemberJoined"}
    await firm.change("users", client, isClient=False)
    await firm.change("users", ann, isClient=True)
    await firm.sync()
    assert set(await firm.members("general")) == {ben, client, cora}
    row = await firm.row("general")
    assert (row["name"], row["type"], row["member_count"]) == ("general", "GENERAL", 3)


async def test_each_client_has_a_channel_that_belongs_to_the_support_agents(firm: Firm) -> None:
    agents = await firm.role("support_agent", "support", "answer", "close")
    await firm.role("employee", "channels", "create")
    bob = await firm.person("Bob", role=agents)
    ben = await firm.person("Ben", role="support_agent")
    await firm.person("Ann", role="employee")
    frank = await firm.person("Frank Foster", isClient=True)
    await firm.sync()
    key = f"client:{frank}"
    assert await firm.members(key) == {bob: "OWNER", ben: "OWNER", frank: "MEMBER"}
    row = await firm.row(key)
    assert (row["type"], row["name"], row["is_private"]) == ("CLIENT_SUPPORT", "Frank Foster", True)
    # The role permits it no longer: nobody is an agent, and the client is told nothing of that.
    await firm.change("roles", agents, permissions=[])
    await firm.sync()
    assert await firm.members(key) == {frank: "MEMBER"}
    assert {kind for kind, _ in await firm.log(key)} == {"MemberJoined", "MemberLeft"}
    await firm.change("users", frank, status="disabled")
    await firm.sync()
    assert await firm.members(key) == {}
    assert (await firm.row(key))["is_archived"]
