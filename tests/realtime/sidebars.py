"""A sidebar on a device: a snapshot, and whatever came after it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.world import Operation, Person

ROW = """
  id type name topic avatarUrl isPrivate isArchived memberCount lastMessageAt updatedAt
  unreadCount mentionCount
  membership { role isMuted isPinned notificationLevel lastReadAt joinedAt invitedBy { name } }
  lastMessage {
    id content contentType isDeleted isEdited isPinned replyCount sender { name } mentions { name }
    attachments { fileName } revisions { content }
  }
  pinnedMessages { id }
"""


def following(row: str = ROW) -> str:
    """A document that follows the inbox with this of each channel."""
    unread = "unread { messages mentions channels }"
    return f"""
        subscription {{
          inbox {{
            __typename
            ... on InboxSnapshot {{ channels {{ {row} }} {unread} }}
            ... on InboxChannelChanged {{ channel {{ {row} }} {unread} }}
            ... on InboxChannelRemoved {{ channelId {unread} }}
          }}
        }}
    """


@dataclass
class Sidebar:
    """What a device makes of an inbox."""

    operation: Operation
    channels: dict[str, Any] = field(default_factory=dict)
    unread: Any = None
    events: list[Any] = field(default_factory=list)

    async def take(self, seconds: float = 5.0) -> Any:
        """The next event, applied as the contract says."""
        event = (await self.operation.next(seconds))["inbox"]
        if event["__typename"] == "InboxSnapshot":
            self.channels = {channel["id"]: channel for channel in event["channels"]}
        elif event["__typename"] == "InboxChannelChanged":
            self.channels[event["channel"]["id"]] = event["channel"]
        else:
            # Nothing is taken from a sidebar that was not in it.
            del self.channels[event["channelId"]]
        self.unread = event["unread"]
        self.events.append(event)
        return event

    @property
    def state(self) -> tuple[Any, Any]:
        """Everything it shows."""
        return self.channels, self.unread

    async def becomes(self, state: tuple[Any, Any]) -> None:
        """Return when the events that came have made it this."""
        while self.state != state:
            await self.take()


@asynccontextmanager
async def sidebar(person: Person, row: str = ROW) -> AsyncIterator[Sidebar]:
    """The person's sidebar on a device of its own, with its snapshot."""
    async with person.socket() as socket:
        shown = Sidebar(await socket.subscribe(following(row)))
        assert (await shown.take())["__typename"] == "InboxSnapshot"
        yield shown


async def fresh(person: Person, row: str = ROW) -> tuple[Any, Any]:
    """What a device that comes now is shown."""
    async with sidebar(person, row) as shown:
        return shown.state
