"""Work that goes on for as long as the process does."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog

RESTART_SECONDS = 1.0
INSIST_SECONDS = 0.5

log = structlog.get_logger(__name__)


@asynccontextmanager
async def running(name: str, work: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Do ``work`` beside the block and cancel it at its end.

    Work that fails is a bug: it is logged and begun again a second later, since
    a process without it would look well and serve nobody.
    """
    task = asyncio.create_task(_keep_doing(name, work), name=name)
    try:
        yield
    finally:
        while not task.done():
            # More than once: a driver may take being cancelled for a line that was lost, and
            # the work would go on with its next step.
            task.cancel()
            await asyncio.wait([task], timeout=INSIST_SECONDS)


async def _keep_doing(name: str, work: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await work()
        except Exception:
            log.exception("task.failed", task=name)
        await asyncio.sleep(RESTART_SECONDS)
