"""What the tests of the live path have in common."""

from collections.abc import Iterable
from typing import Any

from storage import cursors
from tests.places import put
from tests.world import Person, World

MESSAGES = """
subscription ($id: ID!, $after: String) {
  messageAdded(channelId: $id, after: $after) { id content }
}
"""

EVENTS = """
subscription ($id: ID!, $after: String) {
  channelEvents(channelId: $id, after: $after) {
    __typename
    cursor
    ... on MessageSent { message { content } }
  }
}
"""

TYPING = """
subscription ($id: ID!) {
  typing(channelId: $id) { channelId isTyping user { id } }
}
"""

REMOVE = """
mutation ($channel: ID!, $person: ID!) {
  removeMember(channelId: $channel, userId: $person) { channel { id } }
}
"""

LEAVE = "mutation ($channel: ID!) { leaveChannel(channelId: $channel) { channel { id } } }"

ADD = """
mutation ($channel: ID!, $people: [ID!]!) {
  addMembers(channelId: $channel, userIds: $people) { channel { id } }
}
"""

EDIT = """
mutation ($id: ID!, $content: String!) {
  editMessage(messageId: $id, content: $content) { message { id } }
}
"""

DELETE = "mutation ($id: ID!) { deleteMessage(messageId: $id) { message { id } } }"

REACT = """
mutation ($id: ID!, $emoji: String!) {
  addReaction(messageId: $id, emoji: $emoji) { message { id } }
}
"""


def place(channel_id: str, cursor: str) -> cursors.EventCursor:
    """What a cursor says: the epoch of the channel's log, and the position in it."""
    return cursors.decode_event(channel_id, cursor, "cursor")


def positions(channel_id: str, results: list[Any]) -> list[int]:
    """Where in the log these results of ``channelEvents`` stand."""
    return [place(channel_id, each["channelEvents"]["cursor"]).position for each in results]


def contents(results: list[Any]) -> list[str]:
    """What was said, in these results of either subscription."""
    said = []
    for result in results:
        (event,) = result.values()
        said.append(event["content"] if "content" in event else event["message"]["content"])
    return said


async def write(world: World, channel_id: str, sender: Person, texts: Iterable[str]) -> None:
    """Messages by the hundred: in one transaction, for tests that do not ask how they come."""
    async with world.database.transaction() as transaction:
        for text in texts:
            await put(transaction, channel_id, sender.id, text)
