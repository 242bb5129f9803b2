"""One operation on a socket, from ``subscribe`` to its last message."""

import asyncio
from typing import TYPE_CHECKING, Any

import structlog

from realtime.stream import Stream
from resolvers.viewer import Viewer
from schema.engine import Prepared, Rejected, to_json
from schema.errors import refusal_error
from server import logs
from server.requests import graphql_request
from storage.errors import ErrorCode, Refusal

if TYPE_CHECKING:
    from server.socket import Socket

log = structlog.get_logger(__name__)


class Operation:
    """A query, mutation or subscription; for a subscription's stream, the place to deliver to.

    It has a task of its own only while it is being worked on: a subscription
    that has caught up is an entry in the hub and nothing else.
    """

    __slots__ = ("_head", "_payload", "_request_id", "_socket", "_stream", "_task", "id")

    def __init__(self, socket: "Socket", id: str, payload: dict[str, Any]) -> None:
        self.id = id
        self._socket = socket
        self._payload = payload
        self._head = b'{"id":' + to_json(id) + b',"type":"'
        self._stream: Stream | None = None
        self._task: asyncio.Task[None] | None = None
        self._request_id = ""

    def start(self) -> None:
        """Begin; every message of the operation is posted to its socket."""
        self._task = asyncio.create_task(self._run(), name=f"operation {self.id}")

    def stop(self) -> None:
        """End without a word, because the client said so or is gone."""
        self._socket.forget(self)
        if self._stream:
            self._stream.close()
        if self._task and self._task is not asyncio.current_task():
            self._task.cancel()

    async def finished(self) -> None:
        """Return when nothing of it is being worked on; a stream that is live is not."""
        if self._task:
            await asyncio.wait([self._task])

    def send(self, payload: bytes) -> None:
        """See ``realtime.hub.Sink``."""
        self._socket.post(self._head + b'next","payload":' + payload + b"}")

    def end(self, reason: Refusal) -> None:
        """See ``realtime.hub.Sink``."""
        self._fail([refusal_error(reason, self._request_id)])

    async def ready(self) -> None:
        """See ``realtime.hub.Sink``."""
        await self._socket.ready()

    async def _run(self) -> None:
        with logs.request() as self._request_id:
            try:
                await self._work()
            except Rejected as rejected:
                self._fail(rejected.errors)
            except Refusal as refusal:
                self.end(refusal)
            except Exception:
                log.exception("operation.failed")
                self.end(Refusal(ErrorCode.INTERNAL, "Something went wrong on our side."))
        self._payload = {}
        self._task = None

    async def _work(self) -> None:
        request = graphql_request(self._payload, self._request_id)
        prepared = self._socket.engine.prepare(request)
        assert self._socket.signed_in is not None, "checked before the operation was made"
        viewer = self._socket.signed_in.viewer
        if prepared.is_subscription:
            await self._follow(prepared, viewer)
        else:
            renew = self._socket.renew
            result = await self._socket.engine.execute(prepared, viewer, renew)
            # Answers take turns: several long ones are not one reader's slowness.
            await self.ready()
            self.send(result)
            self._complete()

    async def _follow(self, prepared: Prepared, viewer: Viewer) -> None:
        subscription = await self._socket.engine.subscribe(prepared, viewer)
        self._stream = subscription.stream
        await self._stream.run(subscription.cohort_key, subscription.render, self)

    def _complete(self) -> None:
        self._socket.post(self._head + b'complete"}')
        self.stop()

    def _fail(self, errors: list[dict[str, Any]]) -> None:
        self._socket.post(self._head + b'error","payload":' + to_json(errors) + b"}")
        self.stop()
