"""Channels full of different people, written straight into the tables."""

from collections.abc import Sequence

from bson import ObjectId

from storage import channels, ids, members, messages, reactions
from storage.postgres import Transaction
from tests.world import Person, World

MARK = {"isOneOfACrowd": True}
"""By this they are found and removed when their test is done."""


async def crowd(world: World, count: int) -> list[str]:
    """The ids of so many new people."""
    people = [ObjectId() for _ in range(count)]
    await world.mongo.users.insert_many(
        [
            {"_id": id, "name": f"Person {number}", "status": "active", **MARK}
            for number, id in enumerate(people)
        ]
    )
    return [str(id) for id in people]


async def busy_page(
    world: World, owner: Person, count: int, *, in_thread: bool = False
) -> tuple[str, str | None]:
    """A channel with so many messages, each by, with and about people of its own; all of them
    below one message with ``in_thread``. The channel's id and that message's.
    """
    channel_id = await owner.create_channel()
    people = await crowd(world, 4 * count + 1)
    async with world.database.transaction() as transaction:
        await channels.lock(transaction, channel_id)
        await members.add(transaction, channel_id, people)
        root = await message(transaction, channel_id, people.pop(), None, []) if in_thread else None
        for number in range(count):
            sender, mentioned, first, second = people[4 * number : 4 * number + 4]
            message_id = await message(transaction, channel_id, sender, root, [mentioned])
            await reactions.add(transaction, message_id, "👍", first)
            await reactions.add(transaction, message_id, "🎉", second)
            await _attachment(transaction, channel_id, message_id, uploader=mentioned)
    return channel_id, root


async def message(
    transaction: Transaction,
    channel_id: str,
    sender_id: str,
    parent_id: str | None,
    mentioned: Sequence[str],
) -> str:
    """The id of a new message."""
    message_id = ids.new_id()
    await messages.insert(
        transaction,
        message_id,
        channel_id=channel_id,
        sender_id=sender_id,
        content="Hello",
        content_type="TEXT",
        parent_id=parent_id,
        mentioned_user_ids=list(mentioned),
        mentions_channel=False,
        here=None,
        client_message_id=None,
        client_digest=None,
    )
    return message_id


async def _attachment(
    transaction: Transaction, channel_id: str, message_id: str, *, uploader: str
) -> None:
    await transaction.execute(
        "insert into attachments (id, channel_id, message_id, uploader_id, object_key, file_name,"
        " file_size, mime_type, completed_at)"
        " values ($1::uuid, $2, $3, $4, $1::text, 'plan.pdf', 1, 'application/pdf', now())",
        ids.new_id(),
        channel_id,
        message_id,
        uploader,
    )
