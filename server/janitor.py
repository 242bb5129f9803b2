"""Tidying up in the background: what operations leave behind for later."""

import asyncio

import structlog

from resolvers.services import Services
from storage import removals, uploads
from storage.errors import Refusal

SWEEP_SECONDS = 10.0
BATCH = 100

log = structlog.get_logger(__name__)


async def sweep_for_ever(services: Services) -> None:
    """Tidy up every few seconds until cancelled. Several processes may do so at once."""
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        try:
            await forget_uploads(services)
            await remove_objects(services)
        except Refusal as refusal:
            # Nothing is lost: it is all still there at the next sweep.
            log.warning("janitor.waits", service=refusal.service)


async def forget_uploads(services: Services) -> int:
    """Drop uploads no message has carried for a day; answers how many there were."""
    forgotten = 0
    while batch := await uploads.delete_forgotten(services.database, BATCH):
        forgotten += batch
    return forgotten


async def remove_objects(services: Services) -> int:
    """Delete stored objects that nothing refers to any more; answers how many are gone.

    What cannot be deleted now is tried again later, for as long as it takes.
    Raises UNAVAILABLE when the store cannot be reached.
    """
    removed = 0
    while keys := await removals.claim(services.database, BATCH):
        gone = await services.objects.delete(keys)
        await removals.done(services.database, gone)
        removed += len(gone)
        if len(gone) < len(keys):
            log.warning("janitor.refused", service="s3", objects=len(keys) - len(gone))
    return removed
