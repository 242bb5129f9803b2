"""What a pass does first, where it stops when it is behind, and that it goes on from there."""

import pytest
from bson import ObjectId

from resolvers import reconciling
from resolvers.reconciling import Reconciler
from tests.firm import Firm


@pytest.fixture
async def firm(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> Firm:
    """Steps are so small that there are many between which to stop."""
    monkeypatch.setattr(reconciling, "BATCH", 3)
    return firm


async def test_whoever_may_not_stay_is_out_everywhere_before_anybody_comes(firm: Firm) -> None:
    """However many come: those who go do not wait for them."""
    agents = await firm.role("support_agent", "support", "answer")
    sales = await firm.department("Sales")
    ann = await firm.person("Ann", role=agents, departmentId=sales)
    ben = await firm.person("Ben", role=agents, departmentId=sales)
    clients = [await firm.person(isClient=True) for _ in range(3)]
    apollo = await firm.project("Apollo", ann, ben)
    reconciler = Reconciler(firm.database, firm.rules)
    await reconciler.reconcile(await firm.census.take())
    await firm.change("users", ann, status="disabled")
    await firm.change("users", ben, role=None)
    for _ in range(10):
        await firm.person(departmentId=sales)
    joined = await firm.joined()

    await reconciler.reconcile(await firm.census.take(), is_past=lambda: True)
    assert reconciler.is_behind
    for key in ("general", f"department:{sales}", f"project:{apollo}"):
        assert ann not in await firm.members(key)
    for client in clients:
        assert await firm.members(f"client:{client}") == {client: "MEMBER"}
    # Of the rest a step is done, so that it comes to an end however often it is stopped.
    assert await firm.joined() == joined + 3


async def test_what_is_left_is_done_by_the_passes_that_follow_with_what_they_know(
    firm: Firm,
) -> None:
    sales = await firm.department("Sales")
    people = [await firm.person(departmentId=sales) for _ in range(10)]
    reconciler = Reconciler(firm.database, firm.rules)
    await reconciler.reconcile(await firm.census.take(), is_past=lambda: True)
    # Meanwhile somebody of those who are still to come has gone.
    await firm.change("users", people[-1], status="disabled")
    company = await firm.census.take()
    passes = 0
    while reconciler.is_behind:
        await reconciler.reconcile(company, afresh=False, is_past=lambda: True)
        passes += 1
    assert passes > 3
    here = dict.fromkeys(people[:-1], "MEMBER")
    assert await firm.members(f"department:{sales}") == here
    assert await firm.members("general") == here
    assert await firm.sync() == []
    log = await firm.log(f"department:{sales}")
    assert sorted(who for kind, who in log if kind == "MemberJoined" and who) == sorted(here)


async def test_what_somebody_else_has_done_meanwhile_is_not_done_again(firm: Firm) -> None:
    """A command beside the server, or the process that was first before."""
    sales = await firm.department("Sales")
    ann, ben = [await firm.person(departmentId=sales) for _ in range(2)]
    reconciler = Reconciler(firm.database, firm.rules)
    await reconciler.reconcile(await firm.census.take())
    service = await firm.department("Service")
    await firm.change("departments", sales, name="Sellers")
    await firm.change("users", ann, departmentId=service)
    await firm.person("Cora", departmentId=sales)
    assert len(await firm.sync()) == 3
    logs = [await firm.log(f"department:{id}") for id in (sales, service)]

    assert await reconciler.reconcile(await firm.census.take(), afresh=False) == []
    assert [await firm.log(f"department:{id}") for id in (sales, service)] == logs
    # What it has learned it knows: the next difference is seen.
    await firm.change("users", ben, departmentId=service)
    done = await reconciler.reconcile(await firm.census.take(), afresh=False)
    assert sorted(map(str, done)) == ["DEPARTMENT Sellers: 1 left", "DEPARTMENT Service: 1 joined"]


async def test_a_channel_that_is_not_there_any_more_is_made_anew(firm: Firm) -> None:
    """An operator has deleted it; the process that keeps channels in step remembers it."""
    sales = await firm.department("Sales")
    ann = await firm.person(departmentId=sales)
    reconciler = Reconciler(firm.database, firm.rules)
    await reconciler.reconcile(await firm.census.take())
    await firm.owner.execute("delete from channels where department_id = $1", str(sales))
    await firm.change("users", ann, departmentId=ObjectId())
    assert await reconciler.reconcile(await firm.census.take(), afresh=False)
    assert await firm.members(f"department:{sales}") == {}
