"""Channels of every kind, put straight into the database: most kinds are not made by hand."""

from typing import Any

from storage import channels, ids, members, messages
from storage.postgres import Transaction
from storage.records import ChannelType, MemberRole, MessageContentType
from tests.world import Person, World

OWNER, ADMIN, MEMBER = MemberRole.OWNER, MemberRole.ADMIN, MemberRole.MEMBER


async def place(
    world: World, type: ChannelType, *standing: tuple[Person, MemberRole], **columns: Any
) -> str:
    """The id of a new channel of this type with these members; ``columns`` say the rest."""
    channel_id = ids.new_id()
    people = [person.id for person, _ in standing]
    is_dm = type == ChannelType.DM
    async with world.database.transaction() as transaction:
        made = await channels.insert(
            transaction,
            channel_id,
            type=type,
            created_by=people[0],
            name=None if is_dm else f"{type.lower()} {channel_id}",
            dm_key=",".join(sorted(people)) + channel_id if is_dm else None,
            is_private=columns.pop("is_private", is_dm),
            **columns,
        )
        assert made is not None
        for person, role in standing:
            await members.add(transaction, channel_id, [person.id], role=role)
    return channel_id


async def put(
    transaction: Transaction, channel_id: str, sender_id: str, content: str = "A word of mine"
) -> str:
    """The id of a plain message, without asking whether its sender may write there."""
    message_id = ids.new_id()
    await channels.lock(transaction, channel_id)
    await messages.insert(
        transaction,
        message_id,
        channel_id=channel_id,
        sender_id=sender_id,
        content=content,
        content_type=MessageContentType.TEXT,
        parent_id=None,
        mentioned_user_ids=[],
        mentions_channel=False,
        here=None,
        client_message_id=None,
        client_digest=None,
    )
    return message_id


async def said(world: World, channel_id: str, person: Person) -> str:
    """The same in a transaction of its own."""
    async with world.database.transaction() as transaction:
        return await put(transaction, channel_id, person.id)


async def archive(world: World, channel_id: str) -> None:
    """Close a channel for writing."""
    await world.database.execute(
        "update channels set archived_at = now() where id = $1", channel_id
    )
