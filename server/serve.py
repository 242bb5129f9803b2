"""Running the application: one process, or several on one port."""

import gc
import resource
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette

from server import logs
from server.app import create_app
from server.chunks import ChunkingProtocol
from server.frames import FramingProtocol
from server.settings import Settings

YOUNG = 20_000
"""Objects made before the garbage collector looks among them: more than a document makes."""


def serve(settings: Settings) -> int:
    """Serve until told to stop (SIGTERM, SIGINT); answers the exit code.

    With several workers the settings reach each of them by the environment.
    """
    logs.configure(settings.log_level, settings.log_format)
    take_all_files()
    if settings.workers > 1:
        uvicorn.run("server.serve:worker", factory=True, **options(settings))
        return 0
    server = uvicorn.Server(uvicorn.Config(_settling(create_app(settings)), **options(settings)))
    server.run()
    return 0 if server.started else 2


def take_all_files() -> None:
    """Let this process, and the workers it starts, have as many files open as they may: each
    socket is one, and many systems begin with a thousand where they allow far more.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY:
        # Without an end, a system still has one, and says so only when it is passed.
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def worker() -> Any:
    """The application of one worker process."""
    settings = Settings()
    logs.configure(settings.log_level, settings.log_format)
    return _settling(create_app(settings))


def _settling(app: Starlette) -> Starlette:
    """The application, whose lasting parts the garbage collector leaves alone once they are made:
    looking at all of them takes 70 ms, and it would in the middle of somebody's request. What
    one request makes is younger than ``YOUNG`` and does not grow old while it is answered.
    """
    opened = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[Any]:
        async with opened(app) as state:
            gc.collect()
            gc.freeze()
            gc.set_threshold(YOUNG, *gc.get_threshold()[1:])
            yield state

    app.router.lifespan_context = lifespan
    return app


def options(settings: Settings) -> dict[str, Any]:
    """How uvicorn is run under these settings."""
    return {
        "host": settings.host,
        "port": settings.port,
        "workers": settings.workers,
        "http": ChunkingProtocol,
        # Longer than proxies keep theirs (60 s with most): who closes first must not be we, for
        # a request may be on its way just then.
        "timeout_keep_alive": 65,
        "ws": FramingProtocol,
        "ws_max_size": settings.socket_max_frame_bytes,
        "ws_ping_interval": settings.socket_keepalive_seconds,
        "ws_ping_timeout": settings.socket_keepalive_seconds,
        "ws_per_message_deflate": False,
        "timeout_graceful_shutdown": int(settings.shutdown_seconds),
        # Whoever is no proxy of ours could call itself anything.
        "proxy_headers": bool(settings.trusted_proxies),
        "forwarded_allow_ips": list(settings.trusted_proxies),
        "server_header": False,
        "log_config": None,
        "access_log": False,
        "lifespan": "on",
    }
