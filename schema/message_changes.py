"""What can be done with messages: whoever does it is answered with the message as it is then."""

from __future__ import annotations

from typing import NamedTuple

import strawberry

from resolvers import changes, messages, pages, pins
from resolvers.messages import Draft
from schema.connections import MessageEdge
from schema.context import Info
from schema.message import Message
from storage.records import MessageRecord


@strawberry.input
class SendMessageInput:
    channel_id: strawberry.ID
    content: str
    parent_id: strawberry.ID | None = strawberry.field(
        default=None, description="Makes this a reply in that message's thread."
    )
    mentioned_user_ids: list[strawberry.ID] = strawberry.field(default_factory=list)
    attachment_ids: list[strawberry.ID] = strawberry.field(default_factory=list)
    client_message_id: str | None = strawberry.field(
        default=None,
        description="Chosen by the client, unique for the sender: makes sending safe to retry.",
    )


@strawberry.type
class MessagePayload:
    message: Message


@strawberry.type(description="The edge goes straight into a cached MessageConnection.")
class SendMessagePayload:
    message: Message
    message_edge: MessageEdge


class Written(NamedTuple):
    """The message a mutation was about."""

    message: MessageRecord

    @property
    def message_edge(self) -> pages.MessageEdge:
        """Its place in its channel or thread."""
        return pages.MessageEdge(self.message)


def _written(info: Info, message: MessageRecord) -> Written:
    info.context.forget()
    return Written(message)


async def send_message(info: Info, input: SendMessageInput) -> Written:
    draft = Draft(
        channel_id=input.channel_id,
        content=input.content,
        parent_id=input.parent_id,
        mentioned_user_ids=tuple(input.mentioned_user_ids),
        attachment_ids=tuple(input.attachment_ids),
        client_message_id=input.client_message_id,
    )
    context = info.context
    return _written(info, await messages.send_message(context.services, context.viewer, draft))


async def edit_message(info: Info, message_id: strawberry.ID, content: str) -> Written:
    context = info.context
    return _written(
        info, await changes.edit_message(context.services, context.viewer, message_id, content)
    )


async def delete_message(info: Info, message_id: strawberry.ID) -> Written:
    context = info.context
    return _written(
        info, await changes.delete_message(context.services, context.viewer, message_id)
    )


async def add_reaction(info: Info, message_id: strawberry.ID, emoji: str) -> Written:
    context = info.context
    return _written(
        info, await changes.add_reaction(context.services, context.viewer, message_id, emoji)
    )


async def remove_reaction(info: Info, message_id: strawberry.ID, emoji: str) -> Written:
    context = info.context
    return _written(
        info, await changes.remove_reaction(context.services, context.viewer, message_id, emoji)
    )


async def pin_message(info: Info, message_id: strawberry.ID) -> Written:
    context = info.context
    return _written(info, await pins.pin_message(context.services, context.viewer, message_id))


async def unpin_message(info: Info, message_id: strawberry.ID) -> Written:
    context = info.context
    return _written(info, await pins.unpin_message(context.services, context.viewer, message_id))
