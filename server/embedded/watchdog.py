"""A process that outlives its parent by a moment, to stop what the parent left behind.

Run as a script, with nothing of ours imported. The parent writes one line for
each child on the standard input, ``+PID SIGNAL`` when it has started one and
``-PID`` when that one is gone. When the parent ends, however it ends (after
kill -9 nobody else can do this), the input ends too: the children still there
get their signal, and SIGKILL if that does not help. A pipe, and not Linux's
PR_SET_PDEATHSIG, because pipes end everywhere.
"""

import contextlib
import os
import select
import signal
import sys

PATIENCE = 8.0
"""Seconds the children have after their signal."""


def main(alive: int) -> None:
    """Note the children until the parent is gone, then stop them.

    Every child holds the other end of the pipe ``alive``: it ends when all are gone,
    and so does this.
    """
    children: dict[int, int] = {}
    for line in sys.stdin:
        if line.startswith("-"):
            children.pop(int(line[1:]), None)
        else:
            pid, number = line[1:].split()
            children[int(pid)] = int(number)
    for pid, number in children.items():
        send(pid, number)
    # Also what they have started themselves: a killed PostgreSQL's backends end a little later.
    if not select.select([alive], [], [], PATIENCE)[0]:
        for pid in children:
            send(pid, signal.SIGKILL)


def send(pid: int, number: int) -> None:
    """Send the signal, if the process is still there."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


if __name__ == "__main__":
    # Whoever signals every process in sight should not hit the one that tidies up.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    main(int(sys.argv[1]))
