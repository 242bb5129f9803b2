"""Batched reads for nested fields: one statement for a page, however many rows.

A loader is named for what it returns and by what key. One set of them lives as
long as one operation, so nothing it remembers can go stale.
"""

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from functools import cached_property
from typing import NoReturn, TypeVar

from loaders.loader import Loader
from loaders.profiles import Profiles
from storage import (
    attachments,
    channels,
    members,
    messages,
    pins,
    presences,
    reactions,
    reading,
    receipts,
    revisions,
)
from storage.postgres import Database
from storage.records import (
    AttachmentRecord,
    ChannelRecord,
    Membership,
    MessageRecord,
    PresenceRecord,
    ReactionRecord,
    ReceiptRecord,
    RevisionRecord,
    UnreadRecord,
    UserRecord,
)

T = TypeVar("T")


class Loaders:
    """The loaders of one operation, for one viewer. Each is made when somebody asks for it:
    an operation needs few of them, and an event's rendering one.
    """

    def __init__(
        self,
        database: Database,
        profiles: Profiles,
        viewer_id: str,
        *,
        is_client: bool = False,
        with_presence: bool = False,
        receipt_members: int = 0,
    ) -> None:
        self._database = database
        self._profiles = profiles
        self._client_id = viewer_id if is_client else None
        self._with_presence = with_presence
        self._receipt_members = receipt_members
        self._viewer_id = viewer_id

    @cached_property
    def user_by_id(self) -> Loader[UserRecord]:
        """People."""
        # Whoever asks for presence reads it together with the people.
        at_hand = None if self._with_presence else self._profiles.at_hand
        return Loader(self._users, _never, at_hand)

    @cached_property
    def presence_by_user(self) -> Loader[PresenceRecord]:
        """Whether they are there."""
        return Loader(self._presences, PresenceRecord)

    @cached_property
    def message_by_id(self) -> Loader[MessageRecord | None]:
        """Messages; None where the viewer sees none."""
        return Loader(self._messages, _none)

    @cached_property
    def channel_by_id(self) -> Loader[ChannelRecord]:
        """Channels."""
        return Loader(self._channels, _never)

    @cached_property
    def membership_by_channel(self) -> Loader[Membership | None]:
        """The viewer's own membership; None where there is none."""
        return Loader(lambda ids: channels.memberships(self._database, ids, self._viewer_id), _none)

    @cached_property
    def companion_by_id(self) -> Loader[UserRecord | None]:
        """People who share a channel with the viewer; None for others."""
        return Loader(lambda ids: self._companions(ids, self._viewer_id), _none)

    @cached_property
    def unread_by_channel(self) -> Loader[UnreadRecord]:
        """What the viewer has not read."""
        return Loader(
            lambda ids: self._unread(ids, self._viewer_id), lambda id: UnreadRecord(id, 0, 0)
        )

    @cached_property
    def receipts_by_channel(self) -> Loader[list[ReceiptRecord]]:
        """How far the members have read, where that is told."""
        return Loader(
            lambda ids: receipts.by_channels(
                self._database, ids, self._viewer_id, self._receipt_members
            ),
            _empty,
        )

    @cached_property
    def reactions_by_message(self) -> Loader[list[ReactionRecord]]:
        """The reactions, by emoji."""
        return Loader(lambda ids: reactions.by_messages(self._database, ids), _empty)

    @cached_property
    def chosen_by_reaction(self) -> Loader[bool]:
        """Whether the viewer reacted so."""
        return Loader(lambda keys: self._chosen(keys, self._viewer_id), lambda _: False)

    @cached_property
    def attachments_by_message(self) -> Loader[list[AttachmentRecord]]:
        """The files."""
        return Loader(lambda ids: attachments.by_messages(self._database, ids), _empty)

    @cached_property
    def mentions_by_message(self) -> Loader[list[str]]:
        """Who is mentioned, by id."""
        return Loader(lambda ids: messages.mentioned(self._database, ids), _empty)

    @cached_property
    def revisions_by_message(self) -> Loader[list[RevisionRecord]]:
        """How it was before."""
        return Loader(lambda ids: revisions.by_messages(self._database, ids), _empty)

    @cached_property
    def last_reply_by_message(self) -> Loader[MessageRecord | None]:
        """The newest reply; None where there is none."""
        return Loader(lambda ids: messages.last_replies(self._database, ids), _none)

    @cached_property
    def pinned_by_channel(self) -> Loader[list[MessageRecord]]:
        """The pinned messages."""
        return Loader(lambda ids: pins.by_channels(self._database, ids), _empty)

    def beside(self, viewer_id: str, *, is_client: bool) -> "Loaders":
        """Loaders for another viewer that read what is the same for everybody with these."""
        other = Loaders(
            self._database,
            self._profiles,
            viewer_id,
            is_client=is_client,
            with_presence=self._with_presence,
            receipt_members=self._receipt_members,
        )
        for name in SAME_FOR_EVERYBODY:
            setattr(other, name, getattr(self, name))
        if not is_client:
            other.user_by_id, other.presence_by_user = self.user_by_id, self.presence_by_user
        return other

    async def prepare(
        self, page: Sequence[MessageRecord], fields: frozenset[str], others: Iterable[str] = ()
    ) -> None:
        """Read what the named fields of these messages need, before anybody asks one by one.

        One statement a field and then one query for all the people in any of
        them and ``others``, whether the page has one message or fifty.
        """
        ids = [message.id for message in page]
        people = set(others)
        if "sender" in fields:
            people.update(message.sender_id for message in page)
        # One after the other on one connection: to tell another of them for whom it is, and to
        # have it forget, takes longer than what they read.
        parents = {message.parent_id for message in page if message.parent_id}
        if "parent" in fields:
            await self.message_by_id.read_ahead(parents)
        if "reactions" in fields:
            await self.reactions_by_message.read_ahead(ids)
        if "attachments" in fields:
            await self.attachments_by_message.read_ahead(ids)
        if "mentions" in fields:
            await self.mentions_by_message.read_ahead(ids)
        if "revisions" in fields:
            await self.revisions_by_message.read_ahead(ids)
        rooms = {message.channel_id for message in page}
        if "readBy" in fields:
            await self.receipts_by_channel.read_ahead(rooms)
        roots = [message.id for message in page if message.reply_count]
        if "lastReply" in fields:
            await self.last_reply_by_message.read_ahead(roots)
        if "reactions" in fields:
            people.update(
                id
                for found in await self.reactions_by_message.read_ahead(ids)
                for reaction in found
                for id in reaction.user_ids[:REACTION_PEOPLE]
            )
        if "attachments" in fields:
            for files in await self.attachments_by_message.read_ahead(ids):
                people.update(file.uploader_id for file in files)
        if "mentions" in fields:
            for mentioned in await self.mentions_by_message.read_ahead(ids):
                people.update(mentioned)
        if "readBy" in fields:
            for told in await self.receipts_by_channel.read_ahead(rooms):
                people.update(receipt.user_id for receipt in told)
        if "parent" in fields and people:
            # Whoever asks for a parent most likely asks for its sender; with
            # nobody else to look up, that is one query when they do.
            found_parents = await self.message_by_id.read_ahead(parents)
            people.update(parent.sender_id for parent in found_parents if parent)
        if "lastReply" in fields and people:
            replies = await self.last_reply_by_message.read_ahead(roots)
            people.update(reply.sender_id for reply in replies if reply)
        if people:
            await self.user_by_id.read_ahead(people)

    async def users_named(self, ids: Awaitable[list[str]]) -> list[UserRecord]:
        """These people, in this order, in one query for all who ask at the same time."""
        return await self.user_by_id.load_many(await ids)

    async def _chosen(self, keys: list[str], viewer_id: str) -> dict[str, bool]:
        """Which of these reactions are the viewer's too."""
        asked = [(key[:ID_LENGTH], key[ID_LENGTH + 1 :]) for key in keys]
        chosen = await reactions.chosen(self._database, asked, viewer_id)
        return {f"{id} {emoji}": True for id, emoji in chosen}

    async def _companions(self, ids: list[str], viewer_id: str) -> dict[str, UserRecord]:
        """Those of these people who share a channel with the viewer."""
        shared = await members.companions(self._database, viewer_id, ids)
        return await self._profiles.by_ids(shared)

    async def _users(self, ids: list[str]) -> dict[str, UserRecord]:
        if not self._with_presence:
            return await self._profiles.by_ids(ids)
        # Whoever asks for presence asks for that of people.
        found, _ = await asyncio.gather(
            self._profiles.by_ids(ids), self.presence_by_user.read_ahead(ids)
        )
        return found

    async def _presences(self, ids: list[str]) -> dict[str, PresenceRecord]:
        return await presences.read(self._database, ids, self._client_id)

    async def _messages(self, ids: list[str]) -> dict[str, MessageRecord]:
        return await messages.by_ids(self._database, ids)

    async def _channels(self, ids: list[str]) -> dict[str, ChannelRecord]:
        return await channels.by_ids(self._database, ids)

    async def _unread(self, ids: list[str], viewer_id: str) -> dict[str, UnreadRecord]:
        counts = await reading.unread(self._database, viewer_id, ids)
        return {count.channel_id: count for count in counts}


SAME_FOR_EVERYBODY = (
    "message_by_id",
    "channel_by_id",
    "reactions_by_message",
    "attachments_by_message",
    "mentions_by_message",
    "revisions_by_message",
    "last_reply_by_message",
    "pinned_by_channel",
)
"""The loaders whose values do not depend on the viewer."""

ID_LENGTH = 36
"""Characters of an id of ours."""

REACTION_PEOPLE = 20
"""The people of a reaction that are read with it; its field asks for as many by default."""


def _none(_: str) -> None:
    return None


def _empty(_: str) -> list[T]:
    return []


def _never(id: str) -> NoReturn:
    raise AssertionError(f"{id} was there a moment ago")
