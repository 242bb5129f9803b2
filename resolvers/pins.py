"""Pins: messages that a channel keeps at hand."""

from resolvers import policy
from resolvers.changes import access_to_change, log_change
from resolvers.services import Services
from resolvers.viewer import Viewer
from storage import pins
from storage.errors import conflict
from storage.records import EventKind, MessageRecord

MAX_PINS = 100
"""In one channel."""


async def pin_message(services: Services, viewer: Viewer, message_id: str) -> MessageRecord:
    """Pin a message; nothing happens to one that is. Raises CONFLICT for one too many."""
    async with services.database.transaction() as transaction:
        message, access = await access_to_change(transaction, viewer, message_id)
        policy.require_pin(viewer, access)
        if message.is_pinned:
            return message
        if await pins.count(transaction, message.channel_id) >= MAX_PINS:
            raise conflict(f"A channel has at most {MAX_PINS} pinned messages.", "messageId")
        await log_change(transaction, viewer, access, EventKind.MESSAGE_PINNED, message.id)
        return await pins.pin(transaction, message.id)


async def unpin_message(services: Services, viewer: Viewer, message_id: str) -> MessageRecord:
    """Take a pinned message down; nothing happens to one that is not pinned."""
    async with services.database.transaction() as transaction:
        message, access = await access_to_change(transaction, viewer, message_id)
        policy.require_pin(viewer, access)
        if not message.is_pinned:
            return message
        await log_change(transaction, viewer, access, EventKind.MESSAGE_UNPINNED, message.id)
        return await pins.unpin(transaction, message.id)
