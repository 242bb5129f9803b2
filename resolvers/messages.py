"""Sending: from what a person wrote to a row, its event and the bell."""

from dataclasses import dataclass

from resolvers import calls, inputs, policy
from resolvers.access import access_channel, access_channel_to_write
from resolvers.services import Services
from resolvers.viewer import Viewer
from storage import attachments, ids, members, messages
from storage.errors import Refusal, bad_input, conflict
from storage.postgres import Transaction
from storage.records import Membership, MessageContentType, MessageRecord

MAX_ATTACHMENTS = 10


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be sent."""

    channel_id: str
    content: str
    parent_id: str | None = None
    mentioned_user_ids: tuple[str, ...] = ()
    attachment_ids: tuple[str, ...] = ()
    client_message_id: str | None = None

    @property
    def digest(self) -> bytes:
        """The same for the same draft only: tells a retry from a mistake."""
        return inputs.digest(
            self.channel_id,
            self.content,
            self.parent_id,
            sorted(self.mentioned_user_ids),
            self.attachment_ids,
        )


async def send_message(services: Services, viewer: Viewer, draft: Draft) -> MessageRecord:
    """Append a message to a channel, once.

    Sent again with the same ``client_message_id``, it returns the first
    message and writes nothing; with anything else in it, it raises CONFLICT.
    """
    draft = clean(services, draft)
    online = await _online(services, viewer, draft)
    try:
        message = await _send(services, viewer, draft, online)
    except messages.ClientIdTaken:
        # The same client id arrived at the same time by way of another
        # channel, whose lock is not ours. It is committed by now.
        try:
            message = await _send(services, viewer, draft, online)
        except messages.ClientIdTaken:
            # In a channel that the sender does not see any more.
            raise _sent_otherwise() from None
    services.live.typing.over(message.channel_id, viewer.id)
    return message


def clean(services: Services, draft: Draft) -> Draft:
    """The draft in the form it is stored in. Raises BAD_USER_INPUT."""
    parent_id = draft.parent_id
    if parent_id is not None:
        parent_id = ids.own_id(parent_id)
        if parent_id is None:
            raise _no_such_root()
    client_message_id = draft.client_message_id
    if client_message_id is not None:
        client_message_id = inputs.text(
            client_message_id, "clientMessageId", longest=inputs.MAX_CLIENT_MESSAGE_ID
        )
    attachment_ids = inputs.own_ids(
        list(draft.attachment_ids), "attachmentIds", _no_such_files(), most=MAX_ATTACHMENTS
    )
    return Draft(
        channel_id=draft.channel_id.lower(),
        content=inputs.text(
            draft.content,
            "content",
            longest=services.rules.message_max_length,
            empty=bool(attachment_ids),
        ),
        parent_id=parent_id,
        mentioned_user_ids=tuple(
            inputs.user_ids(
                list(draft.mentioned_user_ids),
                "mentionedUserIds",
                _not_members(),
                inputs.MAX_MENTIONS,
            )
        ),
        attachment_ids=tuple(attachment_ids),
        client_message_id=client_message_id,
    )


async def _online(services: Services, viewer: Viewer, draft: Draft) -> set[str] | None:
    if not calls.mentions_here(draft.content):
        return None
    access = await access_channel(services.database, viewer, draft.channel_id)
    return await calls.online_now(services, access)


async def _send(
    services: Services, viewer: Viewer, draft: Draft, online: set[str] | None
) -> MessageRecord:
    async with services.database.transaction() as transaction:
        access = await access_channel_to_write(transaction, viewer, draft.channel_id)
        if draft.client_message_id is not None:
            sent = await messages.by_client_id(transaction, viewer.id, draft.client_message_id)
            if sent is not None:
                return _sent_before(draft, *sent)
        policy.require_post(viewer, access)
        await _require_root(transaction, access, draft)
        await _require_members(transaction, access, draft)
        here = await calls.called(transaction, access.channel.id, online)
        return await _write(transaction, viewer, access, draft, here)


def _sent_before(draft: Draft, message: MessageRecord, digest: bytes | None) -> MessageRecord:
    # Also of a deleted message: what it said is gone, its digest is not.
    if digest != draft.digest:
        raise _sent_otherwise()
    return message


async def _require_root(transaction: Transaction, access: Membership, draft: Draft) -> None:
    if draft.parent_id is None:
        return
    root = await messages.get(transaction, draft.parent_id)
    if root is None or root.channel_id != access.channel.id:
        raise _no_such_root()
    if root.parent_id is not None:
        raise bad_input("parentId", "A reply cannot be replied to; reply to its thread's root.")


async def _require_members(transaction: Transaction, access: Membership, draft: Draft) -> None:
    wanted = list(draft.mentioned_user_ids)
    if wanted and len(await members.among(transaction, access.channel.id, wanted)) < len(wanted):
        raise _not_members()


async def _write(
    transaction: Transaction,
    viewer: Viewer,
    access: Membership,
    draft: Draft,
    here: bytes | None,
) -> MessageRecord:
    message_id = ids.new_id()
    message = await messages.insert(
        transaction,
        message_id,
        channel_id=access.channel.id,
        sender_id=viewer.id,
        content=draft.content,
        content_type=MessageContentType.TEXT if draft.content else MessageContentType.FILE,
        parent_id=draft.parent_id,
        mentioned_user_ids=list(draft.mentioned_user_ids),
        mentions_channel=calls.mentions_channel(draft.content),
        here=here,
        client_message_id=draft.client_message_id,
        client_digest=draft.digest if draft.client_message_id else None,
    )
    files = list(draft.attachment_ids)
    if files and not await attachments.attach(
        transaction, message_id, files, channel_id=access.channel.id, uploader_id=viewer.id
    ):
        raise _no_such_files()
    return message


def _sent_otherwise() -> Refusal:
    return conflict("You have sent something else with this id before.", "clientMessageId")


def _no_such_root() -> Refusal:
    return bad_input("parentId", "There is no such message in this channel.")


def _not_members() -> Refusal:
    return bad_input("mentionedUserIds", "Only members of the channel can be mentioned.")


def _no_such_files() -> Refusal:
    return bad_input("attachmentIds", "One of these is not a finished upload of yours here.")
