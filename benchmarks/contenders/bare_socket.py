"""The least a socket can take: an echo behind Starlette, on the server and protocol that ours has.

python -m benchmarks.contenders.bare_socket PORT
"""

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from server.serve import options
from server.settings import Settings


async def ready(_: Request) -> Response:
    """The server is up."""
    return Response()


async def echo(websocket: WebSocket) -> None:
    """Say what is said."""
    await websocket.accept()
    try:
        while True:
            await websocket.send_text(await websocket.receive_text())
    except WebSocketDisconnect:
        pass


if __name__ == "__main__":
    app = Starlette(routes=[Route("/readyz", ready), WebSocketRoute("/echo", echo)])
    uvicorn.run(app, **{**options(Settings()), "port": int(sys.argv[1])})
