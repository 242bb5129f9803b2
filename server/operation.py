"""One operation of a connection, from its request to its last message."""

import asyncio
from typing import TYPE_CHECKING, Any

from execution.requests import Prepared
from realtime.source import Source
from schema.errors import errors_of
from server import logs
from server.dialects import Dialect
from server.requests import graphql_request
from storage.errors import Refusal

if TYPE_CHECKING:
    from server.connection import Connection


class Operation:
    """A query, mutation or subscription; for a subscription's stream, the place to deliver to.

    It has a task of its own only while it is being worked on: a subscription
    that has caught up is an entry in the hub and nothing else.
    """

    __slots__ = ("_connection", "_dialect", "_request_id", "_stream", "_task", "id")

    def __init__(
        self, connection: "Connection", id: str, dialect: Dialect, request_id: str | None = None
    ) -> None:
        self.id = id
        self._connection = connection
        self._dialect = dialect
        self._stream: Source | None = None
        self._task: asyncio.Task[None] | None = None
        self._request_id = request_id

    def start(self, asked: dict[str, Any] | Prepared) -> None:
        """Begin; every message of the operation is posted to its connection."""
        self._task = asyncio.create_task(self._run(asked), name=f"operation {self.id}")

    def stop(self) -> None:
        """End without a word, because the client said so or is gone."""
        self._connection.forget(self)
        if self._stream:
            self._stream.close()
        if self._task and self._task is not asyncio.current_task():
            self._task.cancel()

    @property
    def looks_on_at(self) -> str | None:
        """The channel it follows without its viewer being a member."""
        return self._stream.looks_on_at if self._stream else None

    async def finished(self) -> None:
        """Return when nothing of it is being worked on; a stream that is live is not."""
        if self._task:
            await asyncio.wait([self._task])

    def send(self, payload: bytes, signal: object = None) -> None:
        """See ``realtime.source.Sink``."""
        self._connection.post(self._dialect.next(payload, signal))

    def end(self, reason: Refusal) -> None:
        """See ``realtime.source.Sink``."""
        self._fail(reason)

    async def ready(self) -> None:
        """See ``realtime.source.Sink``."""
        await self._connection.ready()

    async def _run(self, asked: dict[str, Any] | Prepared) -> None:
        with logs.request(self._request_id) as self._request_id:
            try:
                await self._work(asked)
            except Exception as exception:
                self._fail(exception)
        self._task = None

    async def _work(self, asked: dict[str, Any] | Prepared) -> None:
        connection = self._connection
        viewer = connection.viewer
        if isinstance(asked, dict):
            assert self._request_id is not None, "an operation has it from its beginning"
            request = graphql_request(asked, self._request_id)
            prepared = await connection.engine.read(request, viewer)
        else:
            prepared = asked
        if prepared.is_subscription:
            subscription = await connection.engine.subscribe(prepared, viewer, connection)
            self._stream = subscription.stream
            begun = self._stream.cursor and self._dialect.begun(self._stream.cursor)
            if begun:
                connection.post(begun)
            await self._stream.run(subscription.cohort_key, subscription.render, self)
        else:
            result = await connection.engine.execute(
                prepared, viewer, connection.renewal, connection
            )
            # Answers take turns: several long ones are not one reader's slowness.
            await self.ready()
            self.send(result)
            connection.post(self._dialect.complete())
            self.stop()

    def _fail(self, exception: Exception) -> None:
        assert self._request_id is not None, "an operation has it from its beginning"
        self._connection.post(self._dialect.error(errors_of(exception, self._request_id)))
        self.stop()
