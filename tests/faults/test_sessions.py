"""Tokens end, and are renewed, while events flow."""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime

from tests.faults.fleet import Branch, Fleet, Server
from tests.faults.load import Load
from tests.faults.record import Row
from tests.faults.size import Size
from tests.world import until

RENEW = "mutation ($token: String!) { renewSession(token: $token) }"


class Hasty(Branch):
    """Gives out tokens that soon end."""

    seconds = 3.0

    def token(self, user_id: str, **claims: object) -> str:
        return super().token(user_id, lifetime=self.seconds)


def hasty(server: Server) -> Server:
    world = server.world
    own = Hasty(world.port, world.settings, world.services, world.http, world.mongo, world.ids)
    return Server(own, server.child, server.log)


async def test_a_socket_is_closed_when_its_token_ends_and_not_before(
    fleet: Fleet, pair: tuple[Server, Server], size: Size
) -> None:
    async with Load.on(fleet, pair, followers=1, senders=1) as load:
        began = time.time()
        follower = load.follow("with a token that ends", hasty(pair[0]))
        await load.settled()
        await until(lambda: bool(follower.closes), Hasty.seconds + 2 * size.slack)
        # A token's time is in whole seconds.
        assert Hasty.seconds - 1 <= time.time() - began <= Hasty.seconds + size.slack
        assert follower.closes == [4403]
        # And with a fresh one it goes on where it was.
        await load.settle()
        load.record.check("token ends", 1, await fleet.truth(load.channel_id))


async def test_renewing_ten_times_in_a_row_loses_nothing_and_nobody_else_may(
    fleet: Fleet, pair: tuple[Server, Server], size: Size, report: Callable[[Row], None]
) -> None:
    async with Load.on(fleet, pair, followers=1, senders=size.senders) as load:
        follower = load.follow("renewed", hasty(pair[0]))
        await load.settled()
        until = time.time() + 1.5 * Hasty.seconds
        renewals = 0
        while renewals < 10 or time.time() < until:
            answer = await follower.ask(RENEW, token=hasty(pair[0]).world.token(fleet.ids["dave"]))
            ends = datetime.fromisoformat(answer["data"]["renewSession"]).timestamp()
            assert 0 < ends - time.time() <= Hasty.seconds
            renewals += 1
            if renewals > 10:
                await asyncio.sleep(0.2)
        # Ten in a row, and then some until the first token has long ended.
        for token, code in (
            (pair[0].world.token(fleet.ids["erin"]), "FORBIDDEN"),
            (pair[0].world.token(fleet.ids["dave"], lifetime=-1), "UNAUTHENTICATED"),
        ):
            refused = await follower.ask(RENEW, token=token)
            assert refused["errors"][0]["extensions"]["code"] == code
        assert load.interruptions() == 0
        follower.vanish()
        await load.settle()
        truth = await fleet.truth(load.channel_id)
    report(load.record.check("session renewed over the socket", renewals, truth))
