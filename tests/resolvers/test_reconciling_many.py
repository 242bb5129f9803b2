"""A company of ten thousand: nobody who writes waits for it to be brought in step."""

import asyncio
import time

from resolvers.reconciling import Reconciler
from storage.census import Company
from storage.records import UserRecord
from tests.firm import Firm
from tests.places import put
from tests.servers import Fresh, Servers

PEOPLE = 10_000

PART = 1 / 4
"""Of the whole pass, what somebody may wait at most: it is a fiftieth where nothing else is done,
and there are fifty steps in it.
"""


async def test_a_sender_waits_but_a_moment_while_ten_thousand_come_and_half_of_them_go(
    servers: Servers, fresh: Fresh
) -> None:
    everybody = [f"{number:024x}" for number in range(PEOPLE)]
    whole = Company(people={id: UserRecord(id, f"Person {id}") for id in everybody})
    half = Company(people={id: whole.people[id] for id in everybody[: PEOPLE // 2]})
    async with Firm.running(servers, fresh) as firm:
        reconciler = Reconciler(firm.database, firm.rules)
        await reconciler.reconcile(Company(people={everybody[0]: whole.people[everybody[0]]}))
        general = await firm.channel("general")
        for company in (whole, half):
            began = time.perf_counter()
            passing = asyncio.create_task(reconciler.reconcile(company))
            waits = []
            while not passing.done():
                waits.append(await sent(firm, general, everybody[0]))
            [done] = await passing
            took = time.perf_counter() - began
            # So they stand among those who came and went, and not after them. How many do is a
            # matter of what else the machine does.
            assert max(waits) < took * PART
            assert done.joined + done.left >= PEOPLE // 2 - 1
            row = await firm.row("general")
            assert row["member_count"] == len(company.people) == len(await firm.members("general"))
        assert await reconciler.reconcile(half) == []


async def sent(firm: Firm, channel_id: str, sender_id: str) -> float:
    """How long it takes to send a message."""
    began = time.perf_counter()
    async with firm.owner.transaction() as transaction:
        await put(transaction, channel_id, sender_id)
    return time.perf_counter() - began
