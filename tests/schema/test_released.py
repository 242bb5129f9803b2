"""What was released stays: what would break a client is found, what would not is let through."""

import pytest

from schema import printed
from schema.released import RELEASED, broken_by

NOW = printed()


def test_nothing_that_was_released_is_broken() -> None:
    """If this fails, clients fail: put back what is missing. Only a release renews the file."""
    assert broken_by() == []


def test_the_released_schema_is_whole() -> None:
    """An empty one would let everything through."""
    assert len(RELEASED.read_text()) > 10_000


@pytest.mark.parametrize(
    ("was", "becomes", "change"),
    [
        ("  unreadCount: Int!\n", "", "FIELD_REMOVED: Field Channel.unreadCount"),
        ("unreadCount: Int!", "unreadCount: Int", "FIELD_CHANGED_KIND: Field Channel.unreadCount"),
        (
            "unreadCount: Int!",
            "unreadCount: String!",
            "FIELD_CHANGED_KIND: Field Channel.unreadCount",
        ),
        ("user(id: ID!): User", "user(userId: ID!): User", "ARG_REMOVED: Argument Query.user(id:)"),
        (
            "user(id: ID!): User",
            "user(id: ID!, mustExist: Boolean!): User",
            "REQUIRED_ARG_ADDED: ",
        ),
        ("  SYSTEM\n", "", "VALUE_REMOVED_FROM_ENUM: "),
        ("input CreateUploadInput {", "input CreateUploadInput {\n  must: Int!", "REQUIRED_INPUT"),
        ("type MessageSent implements ChannelEvent", "type MessageSent", "IMPLEMENTED_INTERFACE"),
        ("type MessageRevision", "type Revision", "TYPE_REMOVED: MessageRevision"),
    ],
)
def test_what_would_break_a_client_is_found(was: str, becomes: str, change: str) -> None:
    assert was in NOW
    changed = NOW.replace(was, becomes)
    if change.startswith("TYPE_REMOVED"):
        changed = changed.replace("[MessageRevision!]", "[Revision!]")
    assert any(line.startswith(change) for line in broken_by(changed, NOW))


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("  unreadCount: Int!\n", "  unreadCount: Int!\n  another: Int\n"),
        ("user(id: ID!): User", "user(id: ID!, more: Int): User!"),
        ("  SYSTEM\n", "  SYSTEM\n  ANOTHER\n"),
        ("input CreateUploadInput {", "input CreateUploadInput {\n  may: Int"),
    ],
)
def test_what_only_adds_is_let_through(was: str, becomes: str) -> None:
    assert was in NOW
    assert broken_by(NOW.replace(was, becomes), NOW) == []
