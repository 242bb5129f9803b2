"""Thousands lose their server at once and come back to another."""

import resource
import time
from collections.abc import Callable

from tests.faults.fleet import Fleet, Server
from tests.faults.load import Load
from tests.faults.record import Row
from tests.faults.size import Size

STRANDED_SECONDS = 30.0
AT_ONCE = 100


async def test_a_reconnect_storm_reads_the_log_once_and_everybody_catches_up(
    fleet: Fleet,
    pair: tuple[Server, Server],
    size: Size,
    report: Callable[[Row], None],
    note: Callable[[str], None],
) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    lost, stays = pair
    async with Load.on(fleet, pair, followers=1) as load:
        for number in range(size.storm):
            load.follow(str(number), lost)
            if number % AT_ONCE == 0:
                await load.settled()
        await load.settled(120)
        await load.delivered([await load.say(lost)], 30)
        before = (await stays.probe())["reads"].get(load.channel_id, 0)
        load.servers.remove(lost)
        storm = [follower for follower in load.followers if follower.heard.name.isdigit()]
        began = time.monotonic()
        await lost.kill()
        missed = [await load.say(stays) for _ in range(20)]
        await load.delivered(missed, STRANDED_SECONDS * max(1, size.storm // 1000))
        took = time.monotonic() - began
        reads = (await stays.probe())["reads"].get(load.channel_id, 0) - before
        note(f"{size.storm} subscribers came back in {took:.1f} s with {reads} readings of the log")
        # One for each position at which somebody was, and for each newer head they found.
        assert reads <= 1 + 2 * len(missed)
        assert all(not follower.refusals for follower in storm)
        assert all(follower.closes == [1006] for follower in storm)
        await load.settle(30)
        truth = await fleet.truth(load.channel_id)
    report(load.record.check(f"server of {size.storm} killed (-9)", 1, truth))
