"""Pages of a list: edges with cursors, and whether there is more on either side."""

from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from storage.cursors import CursorKind, encode_position
from storage.records import MessageRecord

T = TypeVar("T")


class Edge(NamedTuple, Generic[T]):
    """A row and its place in the list."""

    cursor: str
    node: T


class PageInfo(NamedTuple):
    """Whether there is more, as Relay's cursor connections have it."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@dataclass(slots=True)
class Page(Generic[T]):
    """Some rows of a list, in its order."""

    edges: list[Edge[T]]
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


def message_edge(message: MessageRecord) -> Edge[MessageRecord]:
    """A message's place in its channel, or a reply's in its thread."""
    if message.parent_id is None:
        cursor = encode_position(CursorKind.MESSAGE, message.channel_id, message.position)
    else:
        cursor = encode_position(CursorKind.REPLY, message.parent_id, message.position)
    return Edge(cursor, message)
