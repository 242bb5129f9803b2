"""Growth with listeners: what a delivery costs, and what PostgreSQL is asked, when more hear it."""

from contextlib import AsyncExitStack
from pathlib import Path

from benchmarks.company import Company
from benchmarks.crowd import MESSAGE_ADDED, Crowd
from benchmarks.live import Say, round_of
from benchmarks.rooms import Rooms
from benchmarks.rows import Effort, Row, in_turns
from benchmarks.sockets import Counter

COUNTS = (10, 100, 1_000, 5_000)
DELIVERIES = 50_000
"""In one round, however many listen."""
COUNTED = 20
"""Messages while PostgreSQL writes down what it is asked."""
EVERYBODY = "everybody"


async def rows(company: Company, effort: Effort) -> list[Row]:
    """A row for each number of listeners."""
    return [await _row(company, effort, count) for count in COUNTS]


async def _row(company: Company, effort: Effort, count: int) -> Row:
    channel = await company.channel(50)
    async with AsyncExitStack() as stack:
        backchannel = await stack.enter_async_context(company.backchannel())
        broadcasting = await stack.enter_async_context(company.contender("broadcast"))
        crowd = Crowd(company, backchannel)
        await crowd.gather(count)
        await crowd.subscribe("1", MESSAGE_ADDED, lambda _: channel)
        message = crowd.sample
        rooms = Rooms(broadcasting)
        await rooms.open([EVERYBODY] * count)

        async def say() -> None:
            await crowd.say(channel)

        async def broadcast() -> None:
            rooms.say(EVERYBODY, message)

        times = max(4, min(200, effort.times(DELIVERIES) // count))
        figures = await in_turns(
            effort,
            {
                "ours": round_of(backchannel, crowd.delivered, say, count, times),
                "broadcast": round_of(broadcasting, rooms.delivered, broadcast, count, times),
            },
        )
        asked = await _statements(company, crowd.delivered, say, count)
    return Row(
        "listeners",
        f"a message to each of {count:,}, all included",
        "µs CPU",
        figures.pop("ours"),
        figures,
        (),
        {"statements a message": f"{asked:.1f}"},
    )


async def _statements(company: Company, delivered: Counter, say: Say, count: int) -> float:
    """What PostgreSQL is asked for each message, by its own log; what it is asked each second
    whether anything happens or not is little beside it, and in it.
    """
    log = company.folder / "logs" / "postgres.log"
    async with company.connection() as connection:
        await connection.execute("alter system set log_statement = 'all'")
        await connection.execute("select pg_reload_conf()")
    # Each process of PostgreSQL's looks at its settings before its next statement.
    before = delivered.count + count
    await say()
    await delivered.reach(before)
    begun = len(_asked(log))
    for turn in range(1, COUNTED + 1):
        await say()
        await delivered.reach(before + turn * count)
    figure = (len(_asked(log)) - begun) / COUNTED
    async with company.connection() as connection:
        await connection.execute("alter system reset log_statement")
        await connection.execute("select pg_reload_conf()")
    return figure


def _asked(log: Path) -> list[str]:
    lines = log.read_text(errors="replace").splitlines()
    return [line for line in lines if "LOG:  execute" in line or "LOG:  statement:" in line]
