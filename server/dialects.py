"""Dialects: how an operation's results, errors and end are said over each transport."""

from functools import lru_cache
from typing import Any, Protocol

from execution.answers import to_json
from server.media import EVENT_STREAM
from storage import cursors
from storage.records import EventRecord


class Dialect(Protocol):
    """What an operation says, in bytes."""

    def begun(self, cursor: str) -> bytes:
        """A subscription has begun, after this place in the log; empty where there is no word
        for it.
        """

    def next(self, payload: bytes, signal: object = None) -> bytes:
        """One result, and what it tells of."""

    def error(self, errors: list[dict[str, Any]]) -> bytes:
        """The operation has failed; nothing follows."""

    def complete(self) -> bytes:
        """The operation has ended."""


class SocketDialect:
    """graphql-transport-ws: messages with the operation's id."""

    __slots__ = ("_head",)

    def __init__(self, id: str) -> None:
        self._head = b'{"id":' + to_json(id) + b',"type":"'

    def begun(self, cursor: str) -> bytes:
        """See ``Dialect``."""
        return b""

    def next(self, payload: bytes, signal: object = None) -> bytes:
        """See ``Dialect``."""
        return self._head + b'next","payload":' + payload + b"}"

    def error(self, errors: list[dict[str, Any]]) -> bytes:
        """See ``Dialect``."""
        return self._head + b'error","payload":' + to_json(errors) + b"}"

    def complete(self) -> bytes:
        """See ``Dialect``."""
        return self._head + b'complete"}'


class StreamDialect(Dialect, Protocol):
    """The same for an HTTP response that carries one operation and nothing else."""

    media_type: str
    opening: bytes
    heartbeat: bytes
    """Tells proxies that the line is alive; clients pass it over."""


class EventStream:
    """GraphQL over SSE in its distinct connections mode.

    https://github.com/enisdenny/graphql-sse/blob/master/PROTOCOL.md. Lines end with
    LF alone, which is all that some clients look for.
    """

    media_type = EVENT_STREAM
    opening = b":\n\n"
    heartbeat = b":\n\n"

    def begun(self, cursor: str) -> bytes:
        """See ``Dialect``. An id without an event, which nobody is told of."""
        return b"id: " + cursor.encode() + b"\n\n"

    def next(self, payload: bytes, signal: object = None) -> bytes:
        """See ``Dialect``. An event's id is its cursor, which browsers send back by themselves as
        ``Last-Event-ID``.
        """
        head = b""
        if isinstance(signal, EventRecord):
            head = _id(signal.channel_id, signal.epoch, signal.position)
        return head + b"event: next\ndata: " + payload + b"\n\n"

    def error(self, errors: list[dict[str, Any]]) -> bytes:
        """See ``Dialect``."""
        return self.next(to_json({"errors": errors})) + self.complete()

    def complete(self) -> bytes:
        """See ``Dialect``. With empty data, without which an EventSource tells nobody."""
        return b"event: complete\ndata:\n\n"


@lru_cache(maxsize=256)
def _id(channel_id: str, epoch: int, position: int) -> bytes:
    # Everybody who hears of an event hears of it at the same time.
    return b"id: " + cursors.encode_event(channel_id, epoch, position).encode() + b"\n"


class Multipart:
    """multipart/mixed with subscriptionSpec=1.0, as Apollo Client speaks it.

    https://www.apollographql.com/docs/graphos/routing/operations/subscriptions/multipart-protocol.
    The boundary is sent behind each part and not in front of the next, so that
    nobody has to wait for the next one to know that this one is whole.
    """

    media_type = 'multipart/mixed;boundary="graphql";subscriptionSpec=1.0'
    opening = b"\r\n--graphql"

    def __init__(self) -> None:
        self.heartbeat = self._part(b"{}")

    def begun(self, cursor: str) -> bytes:
        """See ``Dialect``."""
        return b""

    def next(self, payload: bytes, signal: object = None) -> bytes:
        """See ``Dialect``."""
        return self._part(b'{"payload":' + payload + b"}")

    def error(self, errors: list[dict[str, Any]]) -> bytes:
        """See ``Dialect``. Beside ``payload`` they would be the transport's own."""
        return self.next(to_json({"errors": errors})) + self.complete()

    def complete(self) -> bytes:
        """See ``Dialect``."""
        return b"--\r\n"

    def _part(self, body: bytes) -> bytes:
        return b"\r\nContent-Type: application/json\r\n\r\n" + body + self.opening


def stream_dialect(media_type: str) -> StreamDialect:
    """The dialect of a media type that ``server.media`` knows as one of streams."""
    return EventStream() if media_type == EVENT_STREAM else Multipart()
