"""Pages of a list: edges with cursors, and whether there is more on either side."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, Protocol, TypeVar

from storage.cursors import CursorKind, encode_position
from storage.records import MessageRecord

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Edge(Protocol[T_co]):
    """A row and its place in the list."""

    @property
    def cursor(self) -> str:
        """The place, for who goes on from here."""

    @property
    def node(self) -> T_co:
        """The row."""


class Placed(NamedTuple, Generic[T]):
    """An edge whose cursor was made with the page."""

    cursor: str
    node: T


class MessageEdge(NamedTuple):
    """A message's place in its channel, or a reply's in its thread: its cursor is made for those
    who ask for it, who of a page of messages are few.
    """

    node: MessageRecord

    @property
    def cursor(self) -> str:
        """See ``Edge``."""
        message = self.node
        if message.parent_id is None:
            return encode_position(CursorKind.MESSAGE, message.channel_id, message.position)
        return encode_position(CursorKind.REPLY, message.parent_id, message.position)


class PageInfo(NamedTuple):
    """Whether there is more, as Relay's cursor connections have it."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@dataclass(slots=True)
class Page(Generic[T]):
    """Some rows of a list, in its order."""

    edges: Sequence[Edge[T]]
    has_next: bool
    has_previous: bool

    @property
    def page_info(self) -> PageInfo:
        """See ``PageInfo``."""
        ends = (self.edges[0].cursor, self.edges[-1].cursor) if self.edges else (None, None)
        return PageInfo(self.has_next, self.has_previous, *ends)

    @property
    def nodes(self) -> list[T]:
        """The rows without their cursors."""
        return [edge.node for edge in self.edges]
