"""What can still be done to a message: edit, delete, react."""

from resolvers import calls, inputs, policy
from resolvers.access import access_message, access_message_to_write
from resolvers.services import Services
from resolvers.viewer import Viewer
from storage import attachments, events, messages, reactions
from storage.errors import bad_input, conflict, forbidden
from storage.postgres import Transaction
from storage.records import (
    EventKind,
    Membership,
    MessageContentType,
    MessageRecord,
)

MAX_EMOJIS = 20
"""Different ones on one message."""


async def edit_message(
    services: Services, viewer: Viewer, message_id: str, content: str
) -> MessageRecord:
    """Give a message of the viewer's another text; the earlier one is kept as a revision.

    One with files can do without a text.
    """
    content = inputs.text(content, "content", longest=services.rules.message_max_length, empty=True)
    online = None
    if calls.mentions_here(content):
        _, access = await access_message(services.database, viewer, message_id)
        online = await calls.online_now(services, access)
    async with services.database.transaction() as transaction:
        message, access = await access_to_change(transaction, viewer, message_id)
        policy.require_edit_message(viewer, message)
        if message.content == content:
            return message
        if not content and not await attachments.by_messages(transaction, [message.id]):
            raise inputs.nothing("content")
        if most := services.rules.message_edit_seconds:
            policy.require_within(most, await messages.age(transaction, message.id), "edited")
        edited = await messages.edit(
            transaction,
            message.id,
            content=content,
            mentions_channel=calls.mentions_channel(content),
            here=await calls.called(transaction, message.channel_id, online),
        )
        await log_change(transaction, viewer, access, EventKind.MESSAGE_EDITED, message.id)
        return edited


async def delete_message(services: Services, viewer: Viewer, message_id: str) -> MessageRecord:
    """Empty a message and keep its place; nothing happens to one that is deleted already."""
    async with services.database.transaction() as transaction:
        message, access = await access_message_to_write(transaction, viewer, message_id)
        if message.is_deleted:
            return message
        message, access = await access_to_change(transaction, viewer, message_id)
        policy.require_delete_message(viewer, access, message)
        most = services.rules.message_delete_seconds
        if most and not policy.moderates(viewer, access):
            policy.require_within(most, await messages.age(transaction, message.id), "deleted")
        deleted = await messages.delete(transaction, message.id)
        await log_change(transaction, viewer, access, EventKind.MESSAGE_DELETED, message.id)
        return deleted


async def add_reaction(
    services: Services, viewer: Viewer, message_id: str, emoji: str
) -> MessageRecord:
    """React with an emoji; nothing happens to one who has already."""
    emoji = inputs.reaction(emoji)
    async with services.database.transaction() as transaction:
        message, access = await access_to_change(transaction, viewer, message_id)
        there = await reactions.emojis(transaction, message.id)
        if emoji not in there and len(there) >= MAX_EMOJIS:
            raise bad_input("emoji", f"A message has at most {MAX_EMOJIS} different reactions.")
        if await reactions.add(transaction, message.id, emoji, viewer.id):
            await log_change(
                transaction, viewer, access, EventKind.REACTION_ADDED, message.id, detail=emoji
            )
        return message


async def remove_reaction(
    services: Services, viewer: Viewer, message_id: str, emoji: str
) -> MessageRecord:
    """Take the viewer's own reaction back; nothing happens when there is none."""
    emoji = inputs.reaction(emoji)
    async with services.database.transaction() as transaction:
        message, access = await access_to_change(transaction, viewer, message_id)
        if await reactions.remove(transaction, message.id, emoji, viewer.id):
            await log_change(
                transaction, viewer, access, EventKind.REACTION_REMOVED, message.id, detail=emoji
            )
        return message


async def access_to_change(
    transaction: Transaction, viewer: Viewer, message_id: str
) -> tuple[MessageRecord, Membership]:
    """A message somebody wrote, which a member may do something to, under its channel's lock.

    Raises NOT_FOUND, FORBIDDEN, and CONFLICT for a deleted one or in an archived channel.
    """
    message, access = await access_message_to_write(transaction, viewer, message_id)
    policy.require_writable(access.channel)
    policy.require_member(access)
    if message.is_deleted:
        raise conflict("The message is deleted.", "messageId")
    if message.content_type == MessageContentType.SYSTEM:
        raise forbidden("This message was written by the system.")
    return message, access


async def log_change(
    transaction: Transaction,
    viewer: Viewer,
    access: Membership,
    kind: EventKind,
    message_id: str,
    detail: str | None = None,
) -> None:
    """Say in the channel's log what the viewer has done to a message."""
    await events.append(
        transaction,
        access.channel.id,
        kind,
        actor_id=viewer.id,
        message_id=message_id,
        user_ids=[viewer.id],
        detail=detail,
    )
