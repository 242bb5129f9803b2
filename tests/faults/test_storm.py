"""Thousands lose their server at once and come back to another."""

import resource
import time
from collections import Counter
from collections.abc import Callable

from tests.faults.fleet import Fleet, Server
from tests.faults.load import Load
from tests.faults.record import Row
from tests.faults.size import Size

STRANDED_SECONDS = 60.0
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
        storm = [follower for follower in load.followers if follower.heard.name.isdigit()]
        was_at = storm[0].heard.position
        # Nowhere to go at first, so that all come at once to the same place.
        load.servers.clear()
        await lost.kill()
        missed = [await load.say(stays) for _ in range(20)]
        began = time.monotonic()
        load.servers.append(stays)
        await load.delivered(missed, STRANDED_SECONDS)
        took = time.monotonic() - began
        reads = (await stays.probe())["reads"]
        # The one for those who had never been away, and one for all the others.
        again = reads[f"{load.channel_id} {was_at}"]
        note(f"{size.storm} subscribers came back in {took:.1f} s: {again} readings of the log")
        assert again <= 2
        # Nobody was refused, timed out or thrown out again.
        assert Counter(code for each in storm for code in each.refusals) == {}
        assert Counter(code for each in storm for code in each.closes) == {1006: size.storm}
        await load.settle(30)
        truth = await fleet.truth(load.channel_id)
    report(load.record.check(f"server of {size.storm} killed (-9)", 1, truth))
