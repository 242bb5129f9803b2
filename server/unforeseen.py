"""What no endpoint has foreseen: INTERNAL, and an id under which the log has the whole story."""

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from execution.answers import to_json
from schema.errors import errors_of
from server import logs
from server.media import JSON


class Unforeseen:
    """Answers requests whose endpoint has failed before it has begun to answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; see ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        has_begun = False

        async def begin(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._app(scope, receive, begin)
        except Exception as exception:
            if has_begun:
                raise
            with logs.request() as request_id:
                body = to_json({"errors": errors_of(exception, request_id)})
            told = {"X-Request-Id": request_id, "Cache-Control": "no-store"}
            await Response(body, 500, told, JSON)(scope, receive, send)
