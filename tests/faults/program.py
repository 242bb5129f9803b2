"""A server as operators run it, with what tests of faults need besides.

``GET /probe`` says what the process holds, ``GET /outbox`` what it keeps for slow
readers, and the janitor comes every second. By the environment, its clock may be
off, and it may kill itself between a commit and the hint that follows.
"""

import asyncio
import datetime as datetimes
import gc
import os
import re
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any
from weakref import WeakSet

CLOCK = "FAULTS_CLOCK"
"""Seconds by which the wall clock of this process is ahead."""
DIE = "FAULTS_DIE"
"""A file: while it exists, the process ends by SIGKILL as soon as something is committed."""


def shift_clock(seconds: float) -> None:
    """Put every wall clock that Python code of ours asks ahead; before anything else is imported.

    The clocks that measure how long something takes stay as they are, as they do
    on a machine whose clock is set.
    """
    real_time, real_time_ns, real = time.time, time.time_ns, datetimes.datetime
    time.time = lambda: real_time() + seconds
    time.time_ns = lambda: real_time_ns() + int(seconds * 1e9)

    class Kind(type):
        def __instancecheck__(cls, value: object) -> bool:
            return isinstance(value, real)

    class Shifted(real, metaclass=Kind):  # type: ignore[misc, valid-type]
        @classmethod
        def now(cls, tz: datetimes.tzinfo | None = None) -> Any:
            return real.now(tz) + datetimes.timedelta(seconds=seconds)

    datetimes.datetime = Shifted  # type: ignore[misc]

    import uuid_utils

    real_uuid7 = uuid_utils.uuid7

    def uuid7() -> Any:
        return real_uuid7(nanoseconds=time.time_ns())

    uuid_utils.uuid7 = uuid7  # type: ignore[assignment]


def main() -> int:
    """Serve as ``backchannel serve`` does; the settings come from the environment."""
    if ahead := float(os.environ.get(CLOCK, "0")):
        shift_clock(ahead)

    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    from realtime.cohorts import Subscriber
    from realtime.hub import Topic
    from realtime.live import Live
    from server import janitor
    from server import serve as serving
    from server.app import create_app
    from server.operation import Operation
    from server.settings import Settings
    from server.socket import Socket
    from storage import events

    reads: Counter[str] = Counter()
    read_after = events.read_after

    async def counted(connection: Any, places: Any, limit: int) -> Any:
        reads.update(f"{channel} {position}" for channel, position in places.items())
        return await read_after(connection, places, limit)

    events.read_after = counted

    if fatal := os.environ.get(DIE):
        tell_moved = Live.tell_moved

        def die_or_tell(self: Live, moved: dict[str, int]) -> None:
            if Path(fatal).exists():
                os.kill(os.getpid(), signal.SIGKILL)
            tell_moved(self, moved)

        Live.tell_moved = die_or_tell  # type: ignore[method-assign]

    async def probe(request: Request) -> JSONResponse:
        gc.collect()
        kinds = (Subscriber, Topic, Operation, Socket)
        held: Counter[str] = Counter({kind.__name__: 0 for kind in kinds})
        held.update(type(each).__name__ for each in gc.get_objects() if isinstance(each, kinds))
        # What they are called, but for the numbers of those without a name.
        tasks = Counter(re.sub(r"\d+", "", task.get_name()) for task in asyncio.all_tasks())
        return JSONResponse(
            {
                "held": held,
                "tasks": tasks,
                "topics": len(request.app.state.services.live.hub.topics),
                "bell": request.app.state.services.live.bell.is_connected,
                "reads": reads,
                "resident": _resident(),
                "clock": time.time(),
            }
        )

    sockets: WeakSet[Socket] = WeakSet()
    run = Socket.run

    async def noted(self: Socket) -> None:
        sockets.add(self)
        try:
            await run(self)
        finally:
            sockets.discard(self)

    Socket.run = noted  # type: ignore[method-assign]

    async def outbox(_: Request) -> JSONResponse:
        most = max((_waiting(socket) for socket in sockets), default=0)
        return JSONResponse({"sockets": len(sockets), "most": most})

    def create(settings: Settings) -> Starlette:
        app = create_app(settings)
        app.router.routes += [Route("/probe", probe), Route("/outbox", outbox)]
        return app

    serving.create_app = create  # type: ignore[attr-defined, assignment]
    janitor.SWEEP_SECONDS = 1.0
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit())
    return serving.serve(Settings())


def _waiting(socket: Any) -> int:
    """Bytes this process keeps for a slow reader."""
    buffered: int = socket._frames.transport.get_write_buffer_size()
    return int(socket._outbox_bytes) + buffered


def _resident() -> int:
    """Bytes of memory this process has in use."""
    import psutil

    bytes: int = psutil.Process().memory_info().rss
    return bytes


if __name__ == "__main__":
    raise SystemExit(main())
