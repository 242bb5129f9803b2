"""Tidying up in the background: what operations leave behind for later."""

import asyncio

import structlog

from resolvers.services import Services
from storage import attachments
from storage.errors import Refusal

SWEEP_SECONDS = 10.0
REMOVALS = 100

log = structlog.get_logger(__name__)


async def sweep_for_ever(services: Services) -> None:
    """Tidy up every few seconds until cancelled."""
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        try:
            await remove_objects(services)
        except Refusal as refusal:
            # They stay on the list.
            log.warning("janitor.waits", service=refusal.service)


async def remove_objects(services: Services) -> int:
    """Delete stored files that no message carries any more; answers how many are gone.

    Safe to run in several processes: an object deleted twice is as deleted.
    """
    removed = 0
    while keys := await attachments.next_removals(services.database, REMOVALS):
        gone = await services.objects.delete(keys)
        await attachments.removed(services.database, gone)
        removed += len(gone)
        if len(gone) < len(keys):
            break
    return removed
