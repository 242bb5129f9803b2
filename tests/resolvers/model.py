"""Channels as one who remembers everything has them: every count is counted by hand.

The rule: a channel's unreadCount is the number of its top-level TEXT and FILE
messages by others, not deleted, sent after the viewer's read marker and since
they joined; replies do not count in it. mentionCount is the number of messages
and replies by others, not deleted, after the marker, that mention the viewer by
id, by @channel, or by @here while the viewer was online. Viewer.unread adds up
the channels that are not muted.
"""

from dataclasses import dataclass, field
from typing import Any

TEXTS = {
    "Hello": "",
    "@channel": "channel",
    "Look, @Channel!": "channel",
    "somebody@channel.example": "",
    "@channels": "",
    "@here": "here",
    "Is anybody (@HERE)?": "here",
    "Hello, @here": "here",
    "_@here_, `@channel`": "here",
    "@heretic": "",
    "`@channel` and ```@here```": "",
}
"""Whom each calls."""


@dataclass
class Said:
    """A message; its place is its index in its channel."""

    id: str
    sender: str
    root: "Said | None"
    text: str
    named: frozenset[str]
    here: frozenset[str] | None = None
    """Who was online, where the text calls them."""
    is_deleted: bool = False

    def calls(self, key: str) -> bool:
        """Whether it mentions this person."""
        everybody = TEXTS[self.text] == "channel"
        return everybody or key in self.named or key in (self.here or ())


@dataclass
class Member:
    """How far somebody has read: how many messages, and how many there were when they came."""

    read: int
    joined: int
    is_muted: bool = False


@dataclass
class Room:
    """A channel."""

    id: str
    said: list[Said] = field(default_factory=list)
    members: dict[str, Member] = field(default_factory=dict)

    def join(self, key: str) -> None:
        """Come in: what was said before is read."""
        self.members[key] = Member(len(self.said), len(self.said))

    def read(self, key: str, place: int) -> None:
        """Read so many messages: never fewer than before."""
        member = self.members[key]
        member.read = max(member.read, place)

    def unread(self, key: str, place: int) -> None:
        """Have read so many messages at most, but for those from before they joined."""
        member = self.members[key]
        member.read = max(min(member.read, place), member.joined)

    def counts(self, key: str) -> tuple[int, int]:
        """What somebody has not read, and how often they are mentioned in it."""
        if key not in self.members:
            return 0, 0
        after = [
            message
            for message in self.said[self.members[key].read :]
            if message.sender != key and not message.is_deleted
        ]
        return (
            sum(message.root is None for message in after),
            sum(message.calls(key) for message in after),
        )

    def replies(self, root: Said) -> list[Said]:
        """What is below a message and not deleted, oldest first."""
        return [said for said in self.said if said.root is root and not said.is_deleted]

    def seen_by(self, key: str) -> dict[str, Any]:
        """The counts as GraphQL shows them to a person."""
        unread, mentions = self.counts(key)
        member = self.members.get(key)
        return {
            "unreadCount": unread,
            "mentionCount": mentions,
            "memberCount": len(self.members),
            "membership": member and {"isMuted": member.is_muted},
        }

    def is_loud_for(self, key: str) -> bool:
        """Whether somebody is in it and has not muted it."""
        return key in self.members and not self.members[key].is_muted

    @property
    def roots(self) -> list[Said]:
        """What is no reply, oldest first."""
        return [said for said in self.said if said.root is None]

    @property
    def threads(self) -> dict[str, Any]:
        """The messages and how many replies each has, as GraphQL shows them to everybody."""
        roots = self.roots
        return {
            "lastMessage": _shown(roots[-1]) if roots else None,
            "messages": [{**_shown(root), **_thread(self.replies(root))} for root in roots],
        }


def _thread(replies: list[Said]) -> dict[str, Any]:
    return {
        "replyCount": len(replies),
        "lastReply": {"id": replies[-1].id} if replies else None,
    }


def _shown(said: Said) -> dict[str, Any]:
    return {"id": said.id, "isDeleted": said.is_deleted}


def total(rooms: list[Room], key: str) -> dict[str, int]:
    """Viewer.unread."""
    counts = [room.counts(key) for room in rooms if room.is_loud_for(key)]
    return {
        "messages": sum(unread for unread, _ in counts),
        "mentions": sum(mentions for _, mentions in counts),
        "channels": sum(any(count) for count in counts),
    }
