"""PostgreSQL breaks; nothing that was acknowledged is lost, and streams go on."""

import asyncio
import time
from collections.abc import Callable

from tests.faults.fleet import Fleet, Server
from tests.faults.load import Load
from tests.faults.record import Row
from tests.faults.size import SIZE, Size
from tests.world import until

RETURN_SECONDS = 5.0 * SIZE.slack
"""How soon after PostgreSQL answers again everybody hears something new."""


async def test_killed_under_load_it_loses_nothing_and_streams_go_on_by_themselves(
    fleet: Fleet, pair: tuple[Server, Server], size: Size, report: Callable[[Row], None]
) -> None:
    async with Load.on(fleet, pair, followers=size.followers, senders=size.senders) as load:
        for _ in range(size.times):
            await asyncio.sleep(size.load_seconds)
            await fleet.kill_postgres()
            await asyncio.sleep(size.load_seconds)
            await fleet.backing.postgres.restart()
            back = time.monotonic()

            def heard_anew(since: float = back) -> bool:
                new = {c.client_id for c in load.record.acknowledged() if c.sent_at > since}
                return bool(new) and all(
                    any(delivery.content in new for delivery in heard.deliveries[-50:])
                    for heard in load.record.heard
                )

            await until(heard_anew, RETURN_SECONDS)
        await asyncio.sleep(size.load_seconds)
        await load.settle()
        # No client had to do anything: sockets and operations have lived through it.
        assert load.interruptions() == 0
        truth = await fleet.truth(load.channel_id)
    report(load.record.check("PostgreSQL killed (-9)", size.times, truth))
