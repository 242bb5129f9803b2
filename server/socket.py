"""GraphQL over WebSocket: the graphql-transport-ws protocol, one connection.

https://github.com/enisdenny/graphql-ws/blob/master/PROTOCOL.md. The close
codes below 4400 are those on which clients reconnect by themselves.
"""

import asyncio
from datetime import UTC, datetime
from typing import Any

import structlog
from starlette.websockets import WebSocket

from execution.engine import Engine
from schema.context import Renew
from server.addresses import address_of
from server.auth import token_in
from server.connection import (
    GOODBYE_SECONDS,
    Close,
    Closing,
    Connection,
    ConnectionLimits,
)
from server.dialects import SocketDialect
from server.frames import frames_of
from server.messages import Malformed, read_message
from server.operation import Operation
from server.sessions import Sessions
from storage.errors import ErrorCode, Refusal, forbidden

PROTOCOL = "graphql-transport-ws"

LATE_TURNS = 3
TURN_SECONDS = 0.01

log = structlog.get_logger(__name__)


class Socket(Connection):
    """One connection: reads what the client says, writes what its operations produce."""

    def __init__(
        self, websocket: WebSocket, engine: Engine, sessions: Sessions, limits: ConnectionLimits
    ) -> None:
        self._frames = frames_of(websocket.scope)
        super().__init__(self._frames, engine, sessions, limits)
        self._websocket = websocket
        self._is_initialised = False

    async def run(self) -> None:
        """Serve the connection until either side ends it; leaves nothing behind."""
        if PROTOCOL not in self._websocket.scope.get("subprotocols", []):
            # Accepted first: a browser shows its page no code of a refused handshake.
            await self._websocket.accept()
            await self._websocket.close(Close.BAD_PROTOCOL, "Subprotocol not acceptable")
            return
        await self._websocket.accept(PROTOCOL)
        self._expect(self._limits.init_seconds, LATE_TURNS)
        await self._serve(self._read())

    def _expect(self, seconds: float, turns: int) -> None:
        """The connection's owner has so long to say who they are. When that is over, what they
        have said meanwhile is read first, in some more turns of the event loop: we may have been
        busy with thousands who came at once, and would only have them come again.
        """

        def over() -> None:
            if turns:
                self._expect(TURN_SECONDS, turns - 1)
            else:
                self.close(Close.INIT_TIMEOUT, "Connection initialisation timeout")

        self._deadline = asyncio.get_running_loop().call_later(seconds, over)

    @property
    def is_stranger(self) -> bool:
        """Whether it never said who it was: not even in vain."""
        return not self._is_initialised

    @property
    def renewal(self) -> Renew | None:
        """See ``Connection``."""
        return self.renew

    async def renew(self, token: str) -> datetime:
        """Go on with a fresh token of the same person; answers until when.

        Nothing that runs notices. Raises FORBIDDEN for another person's token,
        and UNAUTHENTICATED for one that is not valid: the old one still is.
        """
        fresh = await self._sessions.sign_in(token)
        assert self.signed_in is not None, "operations begin after signing in"
        if fresh.viewer.id != self.signed_in.viewer.id:
            raise forbidden("This is another person's token.")
        self.signed_in = fresh
        self._end_with(fresh)
        return datetime.fromtimestamp(fresh.expires_at, UTC)

    async def _read(self) -> None:
        try:
            while True:
                event = await self._websocket.receive()
                if event["type"] == "websocket.disconnect":
                    self._said_goodbye = event.get("code") == Close.DONE
                    return
                await self._take(read_message(event))
        except Malformed as malformed:
            self.close(Close.BAD_REQUEST, str(malformed))
        except Closing as closing:
            self.close(closing.code, closing.reason)
        except Exception:
            log.exception("socket.failed")
            self.close(Close.TRY_AGAIN_LATER, "Something went wrong on our side")

    async def _take(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        if kind == "connection_init":
            await self._initialise(message.get("payload") or {})
        elif kind == "ping":
            self.post(b'{"type":"pong"}')
        elif kind == "subscribe":
            self._subscribe(message["id"], message["payload"])
        elif kind == "complete":
            operation = self.operations.get(message["id"])
            if operation:
                operation.stop()

    async def _initialise(self, payload: dict[str, Any]) -> None:
        if self._is_initialised:
            raise Closing(Close.TOO_MANY_INITS, "Too many initialisation requests")
        self._is_initialised = True
        if self._deadline:
            # How long it takes us to find out who they are is not their delay.
            self._deadline.cancel()
        token = token_in(payload) or token_in(dict(self._websocket.headers))
        try:
            self.signed_in = await self._sessions.connect(token, address_of(self._websocket))
        except Refusal as refusal:
            if refusal.code is ErrorCode.UNAUTHENTICATED:
                raise Closing(Close.FORBIDDEN, "Forbidden") from None
            raise Closing(Close.TRY_AGAIN_LATER, refusal.message) from None
        self._end_with(self.signed_in)
        self._arrive()
        self.post(b'{"type":"connection_ack"}')

    def _subscribe(self, id: str, payload: dict[str, Any]) -> None:
        if self.signed_in is None:
            raise Closing(Close.UNAUTHORIZED, "Unauthorized")
        if self._is_draining:
            # The client will send it again, to another server.
            return
        if id in self.operations:
            raise Closing(Close.ID_IN_USE, f"Subscriber for {id} already exists")
        if len(self.operations) >= self._limits.operations:
            raise Closing(Close.BAD_REQUEST, "Too many operations on one connection")
        operation = self.operations[id] = Operation(self, id, SocketDialect(id))
        operation.start(payload)

    async def _say_goodbye(self, closing: Closing) -> None:
        # What was produced before is still sent, unless the reader is the one who is too slow.
        if closing.code is not Close.TRY_AGAIN_LATER:
            await self._flushed(GOODBYE_SECONDS)
        self._frames.close_now(closing.code, closing.reason)
