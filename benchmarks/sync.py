"""What it costs to keep channels in step with a large company.

    python -m benchmarks.sync

10,000 people in 200 departments and 500 projects, 200 clients and 20 support agents:
the first pass, which makes it all; passes in which nothing has changed; one after
a person has moved to another department, one after an agent's role was taken away,
who was in the channel of every client, and one after a thousand people have gone.
Of each pass: what is asked of MongoDB, the transactions that write, and the longest
that somebody waited for the lock of the largest channel. MongoDB is the embedded one,
which is slower than MongoDB: its share is shown on its own.
"""

import asyncio
import random
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from bson import ObjectId
from pymongo import monitoring

from resolvers.reconciling import Reconciler
from storage import channels
from tests.firm import Firm
from tests.servers import Fresh, running

PEOPLE, DEPARTMENTS, PROJECTS, CLIENTS, AGENTS = 10_000, 200, 500, 200, 20
ASSIGNED = 20


async def fill(firm: Firm) -> list[ObjectId]:
    """The company; the ids of its people inside."""
    chance = random.Random(0)
    departments = [ObjectId() for _ in range(DEPARTMENTS)]
    agent = await firm.role("support_agent", "support", "answer")
    people = [ObjectId() for _ in range(PEOPLE)]
    await firm.mongo.users.insert_many(
        [
            {
                "_id": id,
                "name": f"Person {number}",
                "email": f"{number}@example.com",
                "isClient": number < CLIENTS,
                "status": "active",
                "departmentId": None if number < CLIENTS else chance.choice(departments),
                "role": agent if CLIENTS <= number < CLIENTS + AGENTS else None,
            }
            for number, id in enumerate(people)
        ]
    )
    inside = people[CLIENTS:]
    await firm.mongo.departments.insert_many(
        [
            {"_id": id, "name": f"Department {id}", "headId": chance.choice(inside)}
            for id in departments
        ]
    )
    await firm.mongo.projects.insert_many(
        [
            {"name": f"Project {number}", "assignedUserIds": chance.sample(inside, ASSIGNED)}
            for number in range(PROJECTS)
        ]
    )
    return inside


async def longest_wait(firm: Firm, done: asyncio.Event) -> tuple[float, int]:
    """The longest that somebody waited for the lock of the channel of the whole company, and how
    often they took it.
    """
    longest, times = 0.0, 0
    while not done.is_set():
        id = await firm.owner.fetchval(
            "select channel_id::text from directory_channels where key = 'general'"
        )
        if id:
            started = time.perf_counter()
            async with firm.owner.transaction() as transaction:
                await channels.lock(transaction, id)
            longest, times = max(longest, time.perf_counter() - started), times + 1
        await asyncio.sleep(0.002)
    return longest, times


NEXT = "select pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
"""Only a transaction that writes, or locks a row, is given a number."""


class Finds(monitoring.CommandListener):
    """Counts what is asked of MongoDB."""

    def __init__(self) -> None:
        self.finds = 0
        self.batches = 0

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        """A find, or more of one."""
        self.finds += event.command_name == "find"
        self.batches += event.command_name in ("find", "getMore")

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """Nothing to count."""

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Nothing to count."""


FINDS = Finds()


async def timed(what: str, firm: Firm) -> None:
    """One pass, and how long it took."""
    first, finds, batches = await firm.owner.fetchval(NEXT), FINDS.finds, FINDS.batches
    started = time.perf_counter()
    company = await firm.census.take()
    read = time.perf_counter()
    done = asyncio.Event()
    waiting = asyncio.create_task(longest_wait(firm, done))
    changed = await Reconciler(firm.database, firm.rules).reconcile(company)
    ended = time.perf_counter()
    done.set()
    longest, times = await waiting
    wrote = await firm.owner.fetchval(NEXT) - first - times
    print(
        f"{what}: {len(changed)} channels changed, "
        f"{sum(each.joined for each in changed):,} joined, "
        f"{sum(each.left for each in changed):,} left, "
        f"{wrote:,} transactions that write; "
        f"MongoDB {FINDS.finds - finds} finds in {FINDS.batches - batches} batches, "
        f"{read - started:.2f} s; "
        f"PostgreSQL and the rest {ended - read:.2f} s, "
        f"longest wait for the largest channel {longest * 1000:.0f} ms"
    )


async def main() -> None:
    """Print the figures."""
    monitoring.register(FINDS)
    with TemporaryDirectory() as folder:
        async with (
            running(Path(folder)) as servers,
            Fresh.on(servers) as fresh,
            Firm.running(servers, fresh) as firm,
        ):
            inside = await fill(firm)
            await timed("first pass", firm)
            for _ in range(3):
                await timed("nothing has changed", firm)
            await firm.change("users", inside[0], departmentId=ObjectId())
            await timed("one has moved", firm)
            await firm.change("users", inside[1], role=None)
            await timed("an agent's role is taken away", firm)
            some = {"_id": {"$in": inside[1000:2000]}}
            await firm.mongo.users.update_many(some, {"$set": {"status": "disabled"}})
            await timed("a thousand have gone", firm)


if __name__ == "__main__":
    asyncio.run(main())
