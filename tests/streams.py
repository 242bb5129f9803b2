"""A client of responses that go on, which reads them as the specifications have it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import orjson
import pytest

from tests.world import Person

SSE = "text/event-stream"
MULTIPART = "multipart/mixed;boundary=graphql;subscriptionSpec=1.0"
BOTH = pytest.mark.parametrize("accept", [SSE, MULTIPART], ids=["sse", "multipart"])


def codes(result: Any) -> list[str]:
    """Those of a result's errors."""
    return [error["extensions"]["code"] for error in result["errors"]]


@dataclass(frozen=True)
class Event:
    """What one event or part says."""

    kind: str
    """``next``, ``complete``, ``id`` for one without an event, or ``beat``."""
    data: Any = None
    id: str | None = None


@dataclass
class Stream:
    """One response, its events one after the other; without a next one when it has ended."""

    response: httpx.Response
    events: AsyncIterator[Event]

    async def event(self) -> Event:
        """The next that is more than a heartbeat."""
        while (event := await anext(self.events)).kind == "beat":
            pass
        return event

    async def results(self, count: int) -> list[Event]:
        """The next results."""
        found: list[Event] = []
        while len(found) < count:
            event = await self.event()
            if event.kind != "id":
                assert event.kind == "next", event
                found.append(event)
        return found

    async def take(self, count: int) -> list[Any]:
        """The data of the next results."""
        return [event.data["data"] for event in await self.results(count)]

    async def rest(self) -> list[Event]:
        """What comes until it ends, which must be soon; heartbeats left out."""
        return [event async for event in self.events if event.kind not in ("beat", "id")]


@asynccontextmanager
async def stream(
    person: Person,
    query: str | None,
    accept: str = SSE,
    *,
    token: str | None = None,
    last_event_id: str | None = None,
    client: httpx.AsyncClient | None = None,
    headers: dict[str, str] | None = None,
    more: dict[str, Any] | None = None,
    **variables: Any,
) -> AsyncIterator[Stream]:
    """An operation of this person's, its results as a stream."""
    token = person.token if token is None else token
    sent = httpx.Headers(
        {"Accept": accept, "Authorization": f"Bearer {token}".strip(), **(headers or {})}
    )
    if last_event_id is not None:
        sent.encoding = "utf-8"
        sent["Last-Event-ID"] = last_event_id
    body = {"variables": variables, **(more or {})}
    if query is not None:
        body["query"] = query
    http = client or person.world.http
    async with http.stream("POST", "/graphql", json=body, headers=sent) as response:
        read = _events if accept == SSE else _parts
        yield Stream(response, read(response))


async def _events(response: httpx.Response) -> AsyncIterator[Event]:
    """https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation"""
    buffer = b""
    async for chunk in response.aiter_bytes():
        assert b"\r" not in chunk, "some clients look for LF alone"
        buffer += chunk
        *whole, buffer = buffer.split(b"\n\n")
        for block in whole:
            fields = dict(_field(line) for line in block.decode().split("\n"))
            if fields.keys() == {""}:
                yield Event("beat")
            elif "event" not in fields:
                yield Event("id", id=fields["id"])
            else:
                data = orjson.loads(fields["data"]) if fields["data"] else None
                yield Event(fields["event"], data, fields.get("id"))
    assert not buffer, "an event that is not whole"


def _field(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name, value.removeprefix(" ")


async def _parts(response: httpx.Response) -> AsyncIterator[Event]:
    """RFC 2046, 5.1; a part is whole when the boundary behind it is there."""
    assert response.headers["Content-Type"] == (
        'multipart/mixed;boundary="graphql";subscriptionSpec=1.0'
    )
    buffer, is_preamble = b"", True
    async for chunk in response.aiter_bytes():
        buffer += chunk
        *whole, buffer = buffer.split(b"\r\n--graphql")
        for part in whole:
            if is_preamble:
                is_preamble = False
                assert part == b""
                continue
            head, _, body = part.partition(b"\r\n\r\n")
            assert head == b"\r\nContent-Type: application/json"
            message = orjson.loads(body)
            if message == {}:
                yield Event("beat")
            else:
                assert list(message) == ["payload"]
                yield Event("next", message["payload"])
    assert buffer in (b"", b"--\r\n"), "a part that is not whole"
    if buffer:
        yield Event("complete")
