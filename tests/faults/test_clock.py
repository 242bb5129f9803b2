"""The clocks of two servers are two hours apart."""

import asyncio
import time
from collections.abc import Callable

from tests.faults.fleet import HOUR, Fleet, Server
from tests.faults.followers import first_word
from tests.faults.load import Load
from tests.faults.program import CLOCK
from tests.faults.record import Row
from tests.faults.size import Size


async def test_a_clock_an_hour_off_touches_neither_order_nor_cursors(
    fleet: Fleet,
    pair: tuple[Server, Server],
    odd: Server,
    size: Size,
    report: Callable[[Row], None],
) -> None:
    servers = [pair[0], odd]
    if size.is_full:
        servers.append(await fleet.get("late", environment={CLOCK: str(-HOUR)}))
    for server, ahead in zip(servers, (0, HOUR, -HOUR), strict=False):
        assert abs((await server.probe())["clock"] - time.time() - ahead) < 60
    async with Load.on(fleet, servers, followers=size.followers, senders=size.senders) as load:
        for _ in range(size.times):
            await asyncio.sleep(size.load_seconds)
            # From one clock to another, with nothing but the cursor.
            for follower in load.followers:
                follower.vanish()
            await load.settled()
        await asyncio.sleep(size.load_seconds)
        await load.settle()
        truth = await fleet.truth(load.channel_id)
        # The messages' own order is that of their positions too, on whichever page.
        page = await fleet.person("erin", odd).run(
            "query ($id: ID!) { channel(id: $id) {"
            " messages(last: 50) { edges { node { content } } } } }",
            id=load.channel_id,
        )
        said = [
            first_word(edge["node"]["content"]) for edge in page["channel"]["messages"]["edges"]
        ]
        assert said == [truth.messages[at][1] for at in sorted(truth.messages)][-50:]
    report(load.record.check("a server's clock an hour off", size.times, truth))
