"""Tidying up in the background: what operations leave behind for later."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial

import structlog

from resolvers.services import Services
from storage import events, removals, uploads
from storage.errors import Refusal

SWEEP_SECONDS = 10.0
BATCH = 100
REMOVALS = 10
"""As many as the store is asked to remove at the same time."""
TRIM_BATCH = 500
TRIM_PAUSE_SECONDS = 0.05
"""Up to ten thousand events a second: more than there ever were new ones."""

log = structlog.get_logger(__name__)


async def sweep_for_ever(
    services: Services, retention: timedelta, *others: Callable[[], Awaitable[object]]
) -> None:
    """Tidy up every few seconds until cancelled. Several processes may do so at once.

    ``retention`` is how far back the log of events reaches; ``others`` have to tidy up as well.
    """
    sweeps: tuple[Callable[[], Awaitable[object]], ...] = (
        partial(trim_log, services, retention),
        partial(forget_uploads, services),
        partial(remove_objects, services),
        services.rates.forget,
        *others,
    )
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        for sweep in sweeps:
            try:
                await sweep()
            except Refusal as refusal:
                # Nothing is lost: it is all still there at the next sweep.
                log.warning("janitor.waits", service=refusal.service)


async def trim_log(services: Services, retention: timedelta) -> int:
    """Delete events older than ``retention``; answers how many there were.

    In small batches with pauses between them, so that nobody waits for it.
    Whoever comes back with an older cursor is told RESYNC_REQUIRED.
    """
    trimmed = 0
    while batch := await events.trim(services.housekeeping, retention, TRIM_BATCH):
        trimmed += batch
        await asyncio.sleep(TRIM_PAUSE_SECONDS)
    return trimmed


async def forget_uploads(services: Services) -> int:
    """Drop uploads no message has carried for a day; answers how many there were."""
    forgotten = 0
    while batch := await uploads.delete_forgotten(services.housekeeping, BATCH):
        forgotten += batch
    return forgotten


async def remove_objects(services: Services) -> int:
    """Delete stored objects that nothing refers to any more; answers how many are gone.

    What cannot be deleted now is tried again later, for as long as it takes.
    Raises UNAVAILABLE when the store cannot be reached.
    """
    removed = 0
    while keys := await removals.claim(services.housekeeping, REMOVALS):
        gone = await services.objects.delete(keys)
        await removals.done(services.housekeeping, gone)
        removed += len(gone)
        if len(gone) < len(keys):
            log.warning("janitor.refused", service="s3", objects=len(keys) - len(gone))
    return removed
