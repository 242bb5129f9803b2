"""Rows as the rest of the house sees them: plain, immutable, with named fields.

The GraphQL types are declared over these very objects, so a field that is an
attribute here needs no resolver and no copying.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple


class ChannelType(StrEnum):
    """What a channel is for; decides who is in it and who may change that."""

    DM = "DM"
    GROUP = "GROUP"
    DEPARTMENT = "DEPARTMENT"
    PROJECT = "PROJECT"
    GENERAL = "GENERAL"
    CLIENT_SUPPORT = "CLIENT_SUPPORT"


class ChannelOrder(StrEnum):
    """How a sidebar is sorted."""

    RECENT_ACTIVITY = "RECENT_ACTIVITY"
    NAME = "NAME"


class MessageSearchOrder(StrEnum):
    """How what a search finds is sorted."""

    NEWEST = "NEWEST"
    RELEVANCE = "RELEVANCE"


class MemberRole(StrEnum):
    """What a member may do to the channel itself."""

    OWNER = "OWNER"
    ADMIN = "ADMIN"
    MEMBER = "MEMBER"


class NotificationLevel(StrEnum):
    """What a member wants to be told about."""

    ALL = "ALL"
    MENTIONS = "MENTIONS"
    NONE = "NONE"


class MessageContentType(StrEnum):
    """What a message is made of."""

    TEXT = "TEXT"
    FILE = "FILE"
    SYSTEM = "SYSTEM"


class PresenceStatus(StrEnum):
    """How a person is shown."""

    ONLINE = "ONLINE"
    AWAY = "AWAY"
    BUSY = "BUSY"
    OFFLINE = "OFFLINE"


class EventKind(StrEnum):
    """What happened in a channel; the names are those of the GraphQL event types."""

    MESSAGE_SENT = "MessageSent"
    MESSAGE_EDITED = "MessageEdited"
    MESSAGE_DELETED = "MessageDeleted"
    REACTION_ADDED = "ReactionAdded"
    REACTION_REMOVED = "ReactionRemoved"
    MESSAGE_PINNED = "MessagePinned"
    MESSAGE_UNPINNED = "MessageUnpinned"
    MEMBER_JOINED = "MemberJoined"
    MEMBER_LEFT = "MemberLeft"
    MEMBER_ROLE_CHANGED = "MemberRoleChanged"
    CHANNEL_UPDATED = "ChannelUpdated"


class UserRecord(NamedTuple):
    """A person of the directory."""

    id: str
    name: str
    email: str | None = None
    avatar_url: str | None = None
    is_client: bool = False
    is_active: bool = True
    department_id: str | None = None
    team_id: str | None = None
    role: str | None = None
    """The name of the role, or the id of its document as 24 hex digits."""


class RoleRecord(NamedTuple):
    """A role of the directory and what it permits, as ``resource:action``."""

    name: str
    permissions: frozenset[str]


class DepartmentRecord(NamedTuple):
    """A department of the directory."""

    id: str
    name: str
    head_id: str | None


class ProjectRecord(NamedTuple):
    """A project of the directory."""

    id: str
    name: str
    assigned_ids: frozenset[str]
    is_closed: bool


class ChannelRecord(NamedTuple):
    """A channel, as one moment saw it."""

    id: str
    type: str
    name: str | None
    topic: str | None
    avatar_url: str | None
    is_private: bool
    archived_at: datetime | None
    department_id: str | None
    project_id: str | None
    created_by: str | None
    created_at: datetime
    updated_at: datetime
    member_count: int
    epoch: int
    position: int
    ordinal: int
    last_message_id: str | None
    last_message_at: datetime | None

    @property
    def is_archived(self) -> bool:
        """Archived channels can be read but not written."""
        return self.archived_at is not None


class MemberRecord(NamedTuple):
    """A person's place in a channel."""

    channel_id: str
    user_id: str
    role: str
    invited_by: str | None
    joined_at: datetime
    is_muted: bool
    is_pinned: bool
    notification_level: str
    last_read_at: datetime | None
    joined_position: int
    """Where the channel's log stood when they joined."""


class MessageRecord(NamedTuple):
    """A message, as one moment saw it. ``content`` is empty once it is deleted."""

    id: str
    channel_id: str
    position: int
    ordinal: int
    sender_id: str
    content: str
    content_type: str
    parent_id: str | None
    reply_count: int
    client_message_id: str | None
    created_at: datetime
    edited_at: datetime | None
    deleted_at: datetime | None
    pinned_at: datetime | None

    @property
    def is_edited(self) -> bool:
        """Whether the text is not the first one."""
        return self.edited_at is not None

    @property
    def is_deleted(self) -> bool:
        """Whether only the place is left."""
        return self.deleted_at is not None

    @property
    def is_pinned(self) -> bool:
        """Whether it is one of its channel's pinned messages."""
        return self.pinned_at is not None


class RevisionRecord(NamedTuple):
    """An earlier text of a message, and since when it was the text."""

    message_id: str
    content: str
    edited_at: datetime


@dataclass(frozen=True, slots=True)
class ReactionRecord:
    """One emoji on a message and who chose it, earliest first; of very many only the first."""

    message_id: str
    emoji: str
    user_ids: list[str]
    count: int
    """How many people, named or not."""

    @property
    def key(self) -> str:
        """What tells it from all others."""
        return f"{self.message_id} {self.emoji}"


class ReceiptRecord(NamedTuple):
    """How far a member has read, as others may be told."""

    channel_id: str
    user_id: str
    joined_at: datetime
    joined_position: int
    seen_position: int
    read_at: datetime


class MarkerRecord(NamedTuple):
    """The newest message that a member has read, as others may be told."""

    channel_id: str
    user_id: str
    message_id: str
    read_at: datetime


class MarkerMoved(NamedTuple):
    """Somebody has read on; told once, and not part of the log."""

    channel_id: str
    user_id: str
    message_id: str
    read_at: datetime
    hidden_from: frozenset[str]
    """Those who listen and are not told: their own receipts are off, or they are gone."""

    def concerns(self, viewer_id: str) -> bool:
        """Whether this viewer is told."""
        return viewer_id not in self.hidden_from


class AttachmentRecord(NamedTuple):
    """A file of a message; the bytes are in the object store under ``object_key``."""

    id: str
    message_id: str | None
    uploader_id: str
    object_key: str
    file_name: str
    file_size: int
    mime_type: str
    width: int | None
    height: int | None
    duration_seconds: int | None
    uploaded_at: datetime
    thumbnail_key: str | None


class UploadRecord(NamedTuple):
    """A file on its way to a message. Under ``object_key`` is what the browser put there,
    which is not to be believed, until it is complete.
    """

    id: str
    channel_id: str
    object_key: str
    file_size: int
    mime_type: str
    is_complete: bool


class OpenUploadRecord(NamedTuple):
    """An upload that no message carries, and the seconds until it may give way to another."""

    id: str
    seconds: float


class EventRecord(NamedTuple):
    """Something that happened in a channel, with the message as it is now."""

    channel_id: str
    epoch: int
    position: int
    kind: str
    actor_id: str | None
    message_id: str | None
    user_id: str | None
    detail: str | None
    occurred_at: datetime
    message: MessageRecord | None


class Own(NamedTuple):
    """A hint: something of a person's own has changed in these channels of theirs."""

    user_id: str
    revision: int
    """How often that has happened by now."""
    channel_ids: list[str]


class UnreadRecord(NamedTuple):
    """What a member has not read in a channel."""

    channel_id: str
    unread_count: int
    mention_count: int


class Membership(NamedTuple):
    """A channel and the viewer's place in it, read in one moment; None when they have none."""

    channel: ChannelRecord
    member: MemberRecord | None


class PlaceRecord(NamedTuple):
    """A channel in a person's sidebar, as one moment saw it."""

    channel: ChannelRecord
    member: MemberRecord
    unread: UnreadRecord
    is_shown: bool
    """Not so for a direct message of somebody else's that nobody has written in yet."""


class UnreadTotal(NamedTuple):
    """What is unread in all channels of a person's that are not muted."""

    messages: int
    mentions: int
    channels: int


class PresenceRecord(NamedTuple):
    """How a person is shown."""

    user_id: str
    status: str = PresenceStatus.OFFLINE
    status_text: str | None = None
    status_emoji: str | None = None
    last_seen_at: datetime | None = None
    """Only of those who are offline."""
