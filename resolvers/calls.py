"""Whom a text calls with @here: those members who are online when it is sent.

Who that is, is asked before the channel's lock is taken: nobody waits for it.
"""

from resolvers.services import Services
from storage import members, reading
from storage.postgres import Transaction
from storage.records import Membership


async def online_now(services: Services, access: Membership) -> set[str]:
    """The members who are online."""
    return await services.live.online(await members.ids(services.database, access.channel.id))


async def called(
    transaction: Transaction, channel_id: str, online: set[str] | None
) -> bytes | None:
    """The same as a message keeps it, None for a text that does not call them; the caller holds
    the channel's lock.
    """
    return None if online is None else await reading.called_here(transaction, channel_id, online)
