"""All connections of this process: who may open one, and for how long they may keep it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

import structlog
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from execution.engine import Engine
from resolvers.viewer import Viewer
from server.addresses import address_of
from server.connection import Close, Connection, ConnectionLimits
from server.operation import Operation
from server.origins import Origins
from server.sessions import Sessions
from server.socket import Socket
from server.streaming import Asked, Streaming
from storage.errors import Refusal, forbidden

WATCH_SECONDS = 2.0
"""How often the people behind open sockets are looked up again, in one query for all."""

log = structlog.get_logger(__name__)


class Connections:
    """The endpoint for WebSockets and for responses that go on."""

    def __init__(
        self, engine: Engine, sessions: Sessions, origins: Origins, limits: ConnectionLimits
    ) -> None:
        self._engine = engine
        self._sessions = sessions
        self._origins = origins
        self._limits = limits
        self._open: set[Connection] = set()
        self._changed: set[str | None] = set()
        self._wake = asyncio.Event()

    async def serve(self, websocket: WebSocket) -> None:
        """Serve one connection to its end. A page that is not let in gets no connection (403),
        nor does an address that lately brought too many strangers (429).
        """
        if not self._origins.admits(websocket):
            await websocket.send_denial_response(Response(status_code=403))
            return
        address = address_of(websocket)
        if self._sessions.is_worn_out_by(address):
            await websocket.send_denial_response(Response(status_code=429))
            return
        socket = Socket(websocket, self._engine, self._sessions, self._limits)
        with self._listed(socket):
            await socket.run()
        if socket.is_stranger:
            with suppress(Refusal):
                # It is gone: whoever comes next from there is told.
                await self._sessions.count_stranger(address)

    async def stream(self, asked: Asked, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to one request with a stream, to its end."""
        streaming = Streaming(scope, self._engine, self._sessions, self._limits, asked)
        with self._listed(streaming):
            await streaming.run(receive, send)

    @contextmanager
    def _listed(self, connection: Connection) -> Iterator[None]:
        self._open.add(connection)
        try:
            yield
        finally:
            self._open.discard(connection)

    def directory_changed(self, user_id: str | None) -> None:
        """The directory says something else of a person, or perhaps of everybody (None): look
        at once.
        """
        self._changed.add(user_id)
        self._wake.set()

    async def watch_sessions(self) -> None:
        """End the connections of people who may not sign in any more; renew the others' rights:
        everybody's now and then, some people's as soon as something is known to have changed.
        """
        clock = asyncio.get_running_loop().time
        look_at = clock() + WATCH_SECONDS
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(look_at):
                    await self._wake.wait()
            self._wake.clear()
            changed, self._changed = self._changed, set()
            await self._sessions.directory_changed(changed)
            people: set[str | None] | None = changed
            if None in changed or clock() >= look_at:
                look_at = clock() + WATCH_SECONDS
                people = None
            # A call of its own, so that no connection is held while this waits.
            await self._watch_all(people)

    async def _watch_all(self, people: set[str | None] | None) -> None:
        """``people`` is None for everybody."""
        watched: dict[str, list[Connection]] = {}
        for connection in self._open:
            viewer = connection.viewer
            if viewer and (people is None or viewer.id in people):
                watched.setdefault(viewer.id, []).append(connection)
        viewers = [each.viewer for of_one in watched.values() for each in of_one if each.viewer]
        for id, viewer in (await self._sessions.changed(viewers)).items():
            for connection in watched[id]:
                await self._change(connection, viewer)

    async def _change(self, connection: Connection, viewer: Viewer | None) -> None:
        if viewer is None:
            connection.close(Close.FORBIDDEN, "This person may not sign in any more")
            return
        signed_in = connection.signed_in
        assert signed_in is not None, "only those who are signed in are watched"
        if viewer.is_client != signed_in.viewer.is_client:
            # What runs was begun for somebody who is shown more, or less: it begins anew.
            connection.close(Close.RESTART, "You are shown something else from here on")
            return
        if viewer != signed_in.viewer:
            connection.signed_in = replace(signed_in, viewer=viewer)
            for operation in list(connection.operations.values()):
                await self._watch_guest(operation, viewer)

    async def _watch_guest(self, operation: Operation, viewer: Viewer) -> None:
        """A member hears of their leaving in the channel itself; who only looks on, from here."""
        channel_id = operation.looks_on_at
        if channel_id and not await self._sessions.may_follow(viewer, channel_id):
            operation.end(forbidden("You may not read this channel any more."))
