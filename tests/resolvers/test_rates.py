"""Limits on how often: never more than is allowed, however many processes there are."""

import asyncio
from typing import Any

import pytest

from resolvers.rates import SHARES, Kind, Rates
from storage.errors import ErrorCode, Refusal
from storage.postgres import Database
from tests.world import World


class Counting:
    """The world's database; counts statements."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.statements = 0

    async def fetchrow(self, query: str, *args: Any) -> Any:
        self.statements += 1
        return await self.database.fetchrow(query, *args)


def process(world: World, limit: int) -> tuple[Rates, Counting]:
    """What one process more would have."""
    counting = Counting(world.database)
    return Rates(counting, dict.fromkeys(Kind, limit)), counting  # type: ignore[arg-type]


async def let_through(rates: Rates, who: str, tries: int) -> int:
    """How many of so many at once are let through."""
    results = await asyncio.gather(
        *(rates.take(Kind.SENDS, who) for _ in range(tries)), return_exceptions=True
    )
    refusals = [result for result in results if result is not None]
    for refusal in refusals:
        assert isinstance(refusal, Refusal)
        assert refusal.code is ErrorCode.RATE_LIMITED
    return tries - len(refusals)


@pytest.mark.parametrize(("limit", "processes"), [(7, 1), (7, 3), (1_000, 4)])
async def test_all_processes_together_keep_the_limit(
    world: World, limit: int, processes: int
) -> None:
    who = f"many {limit} {processes}"
    ours = [process(world, limit)[0] for _ in range(processes)]
    done = await asyncio.gather(*(let_through(rates, who, limit) for rates in ours))
    unasked = processes * (limit // SHARES)
    # What comes back while they ask: a second of a minute's worth is far more than they need.
    assert limit <= sum(done) <= limit + unasked + limit // 10


async def test_a_process_that_starts_anew_knows_what_was_done_before(world: World) -> None:
    assert await let_through(process(world, 5)[0], "restarted", 5) == 5
    assert await let_through(process(world, 5)[0], "restarted", 5) == 0


async def test_ordinary_people_cost_no_question(world: World) -> None:
    rates, counting = process(world, 1_000)
    for _ in range(10):
        await rates.take(Kind.SENDS, "ordinary")
    assert counting.statements == 0
    for _ in range(100):
        await rates.take(Kind.SENDS, "ordinary")
    assert counting.statements == 10


async def test_who_goes_on_although_told_to_wait_costs_no_question(world: World) -> None:
    rates, counting = process(world, 3)
    assert await let_through(rates, "deaf", 50) == 3
    asked = counting.statements
    assert asked == 4
    assert await let_through(rates, "deaf", 50) == 0
    assert counting.statements == asked
    assert rates.is_spent(Kind.SENDS, "deaf")
    assert not rates.is_spent(Kind.SENDS, "somebody else")


async def test_the_refusal_says_when_there_is_more(world: World) -> None:
    rates, _ = process(world, 6)
    await let_through(rates, "waiting", 6)
    with pytest.raises(Refusal, match="sends within a minute; the limit is 6") as refused:
        await rates.take(Kind.SENDS, "waiting")
    assert refused.value.retry_after == 10


async def test_what_was_taken_comes_back_within_a_minute(world: World) -> None:
    database = world.database
    await let_through(process(world, 10)[0], "patient", 10)
    for seconds, back in ((30, 5), (6, 1), (600, 10)):
        await database.execute(
            "update rates set at = at - make_interval(secs => $1) where who = 'patient'", seconds
        )
        assert await let_through(process(world, 10)[0], "patient", 20) == back


async def test_kinds_and_people_do_not_know_of_each_other(world: World) -> None:
    rates, _ = process(world, 2)
    assert await let_through(rates, "one", 3) == 2
    assert await let_through(rates, "other", 3) == 2
    await rates.take(Kind.UPLOADS, "one")


async def test_nought_is_no_limit(world: World) -> None:
    rates, counting = process(world, 0)
    assert await let_through(rates, "free", 1_000) == 1_000
    assert counting.statements == 0


async def test_only_who_did_something_lately_is_kept(world: World) -> None:
    database = world.database
    await let_through(process(world, 2)[0], "long ago", 1)
    await let_through(process(world, 2)[0], "lately", 1)
    await database.execute(
        "update rates set at = at - interval '61 seconds' where who = $1", "long ago"
    )
    await world.services.rates.forget()
    rows = await database.fetch("select who from rates where who in ('long ago', 'lately')")
    assert [row["who"] for row in rows] == ["lately"]
