"""All sockets of this process: who may open one, and for how long they may keep it."""

import asyncio
from contextlib import suppress
from dataclasses import replace

import structlog
from starlette.responses import Response
from starlette.websockets import WebSocket

from schema.engine import Engine
from server.addresses import address_of
from server.origins import Origins
from server.sessions import Sessions
from server.socket import Close, Socket, SocketLimits
from storage.errors import ErrorCode, Refusal

WATCH_SECONDS = 2.0
"""How often the people behind open sockets are looked up again, in one query for all."""

log = structlog.get_logger(__name__)


class Sockets:
    """The endpoint for WebSockets."""

    def __init__(
        self, engine: Engine, sessions: Sessions, origins: Origins, limits: SocketLimits
    ) -> None:
        self._engine = engine
        self._sessions = sessions
        self._origins = origins
        self._limits = limits
        self._open: set[Socket] = set()

    async def serve(self, websocket: WebSocket) -> None:
        """Serve one connection to its end. A page that is not let in gets no connection (403),
        nor does an address that lately brought too many strangers (429).
        """
        if not self._origins.admits(websocket):
            await websocket.close()
            return
        address = address_of(websocket)
        if self._sessions.is_worn_out_by(address):
            await websocket.send_denial_response(Response(status_code=429))
            return
        socket = Socket(websocket, self._engine, self._sessions, self._limits)
        self._open.add(socket)
        try:
            await socket.run()
        finally:
            self._open.discard(socket)
        if socket.is_stranger:
            with suppress(Refusal):
                # It is gone: whoever comes next from there is told.
                await self._sessions.count_stranger(address)

    async def watch_sessions(self) -> None:
        """Close the sockets of people who may not sign in any more; renew the others' rights."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            # A call of its own, so that no socket is held while this waits.
            await self._watch_all()

    async def _watch_all(self) -> None:
        watched = [socket for socket in self._open if socket.signed_in]
        await self._sessions.renew_all([s.signed_in.viewer for s in watched if s.signed_in])
        for socket in watched:
            await self._watch(socket)

    async def _watch(self, socket: Socket) -> None:
        signed_in = socket.signed_in
        assert signed_in is not None, "only those who are signed in are watched"
        try:
            viewer = await self._sessions.renew(signed_in.viewer)
        except Refusal as refusal:
            if refusal.code is ErrorCode.UNAUTHENTICATED:
                socket.close(Close.FORBIDDEN, "This person may not sign in any more")
            return
        if socket.signed_in is signed_in and viewer != signed_in.viewer:
            socket.signed_in = replace(signed_in, viewer=viewer)
