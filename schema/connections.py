"""Pages in GraphQL's terms: Relay's cursor connections over keyset pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import strawberry

if TYPE_CHECKING:
    from schema.channel import Channel, ChannelMember
    from schema.message import Message, ReadReceipt
    from schema.user import User


@strawberry.type
class PageInfo:
    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@strawberry.type
class ChannelEdge:
    cursor: str
    node: Annotated[Channel, strawberry.lazy("schema.channel")]


@strawberry.type
class ChannelConnection:
    edges: list[ChannelEdge]
    page_info: PageInfo


@strawberry.type
class ChannelMemberEdge:
    cursor: str
    node: Annotated[ChannelMember, strawberry.lazy("schema.channel")]


@strawberry.type
class ChannelMemberConnection:
    edges: list[ChannelMemberEdge]
    page_info: PageInfo


@strawberry.type
class MessageEdge:
    cursor: str
    node: Annotated[Message, strawberry.lazy("schema.message")]


@strawberry.type
class MessageConnection:
    edges: list[MessageEdge]
    page_info: PageInfo


@strawberry.type
class UserEdge:
    cursor: str
    node: Annotated[User, strawberry.lazy("schema.user")]


@strawberry.type
class UserConnection:
    edges: list[UserEdge]
    page_info: PageInfo


@strawberry.type
class MessageSearchEdge:
    cursor: str
    node: Annotated[Message, strawberry.lazy("schema.message")]
    snippet: str = strawberry.field(
        description="The matching passage; matches stand between <mark> and </mark>,"
        " everything else is HTML-escaped."
    )


@strawberry.type
class MessageSearchConnection:
    edges: list[MessageSearchEdge]
    page_info: PageInfo


@strawberry.type
class ReadReceiptEdge:
    cursor: str
    node: Annotated[ReadReceipt, strawberry.lazy("schema.message")]


@strawberry.type
class ReadReceiptConnection:
    edges: list[ReadReceiptEdge]
    page_info: PageInfo
    total_count: int
