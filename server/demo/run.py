"""Running the demo: servers, schema, company, and Backchannel itself, until told to stop."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
import typer
import uvicorn
import uvloop

from server import logs
from server.embedded.places import Places, running
from server.embedded.processes import BrokenError, EmbeddedError

if TYPE_CHECKING:
    from server.demo.box import Demo

PREFIX = "BACKCHANNEL_DEMO_"
"""Of the variables that name other servers. Those of a real installation are not looked at:
nobody wants a demo in it because a variable happened to be set."""

ANEW = "--reset begins anew"

log = structlog.get_logger(__name__)


class DemoError(Exception):
    """The demo cannot run. The message is one line for a person at a terminal."""


def run(*, host: str, port: int, data_dir: Path, reset: bool) -> None:
    """Run the demo until SIGTERM or Ctrl-C; nothing is left running. Raises DemoError."""
    for name in list(os.environ):
        if name.startswith("BACKCHANNEL_") and not name.startswith(PREFIX):
            del os.environ[name]
    # From here on the port is ours. Who comes before we are ready only waits.
    with _listener(host, port) as listener:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(_until_told(listener, data_dir, reset=reset))
        except BrokenError as error:
            raise DemoError(f"{error} ({ANEW})") from error
        except EmbeddedError as error:
            raise DemoError(str(error)) from error


async def _until_told(listener: socket.socket, data_dir: Path, *, reset: bool) -> None:
    stop = _Stop()
    try:
        await _demo(listener, data_dir, stop, reset=reset)
    except asyncio.CancelledError:
        if not stop.told:
            raise


class _Stop:
    """What SIGTERM and Ctrl-C do: end the preparations, later the server."""

    def __init__(self) -> None:
        self.told = False
        self._task = asyncio.current_task()
        self._server: uvicorn.Server | None = None
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self)

    def __call__(self) -> None:
        if self._server:
            # Told twice, it does not wait for what is under way.
            self._server.force_exit = self.told
            self._server.should_exit = True
        elif self._task and not self.told:
            self._task.cancel()
        self.told = True

    def instead(self, server: uvicorn.Server) -> None:
        """From now on end this."""
        self._server = server


async def _demo(listener: socket.socket, data_dir: Path, stop: _Stop, *, reset: bool) -> None:
    # Our own modules take a second to import, and the servers a second to start.
    loading = asyncio.create_task(asyncio.to_thread(_load))
    async with running(data_dir, PREFIX, reset=reset) as places:
        log_file = data_dir / "logs" / "backchannel.log"
        with _logging_to(log_file):
            await loading
            try:
                demo, config = await _prepare(places, data_dir, _address(listener))
            except EmbeddedError:
                raise
            except Exception as error:
                # Whatever it is, it is what keeps the demo from running.
                log.warning("demo.failed", exc_info=error)
                reason = str(error).strip().partition("\n")[0] or type(error).__name__
                raise DemoError(
                    f"the data directory cannot be used: {reason} (more in {log_file}; {ANEW})"
                ) from error
            server = _Server(config, demo)
            stop.instead(server)
            await _serve(server, listener, places, stop)


def _load() -> None:
    import server.demo.company  # noqa: F401


async def _prepare(places: Places, data_dir: Path, address: str) -> tuple["Demo", uvicorn.Config]:
    from server.demo import company

    demo, settings = await company.prepare(places, data_dir, address)
    return demo, company.configuration(demo, settings)


class _Server(uvicorn.Server):
    """Tells when it is ready, and leaves signals to us."""

    def __init__(self, config: uvicorn.Config, demo: "Demo") -> None:
        super().__init__(config)
        self._demo = demo

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        typer.echo(self._demo.box())

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _serve(
    server: uvicorn.Server, listener: socket.socket, places: Places, stop: _Stop
) -> None:
    keeping = asyncio.create_task(
        places.embedded.keep_up(lambda name: log.error("demo.starts_again", server=name))
    )
    keeping.add_done_callback(lambda _: stop())
    try:
        await server.serve(sockets=[listener])
    except SystemExit:
        raise DemoError("Backchannel does not start; its log says why") from None
    finally:
        keeping.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await keeping


def _listener(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise DemoError(f"{host}:{port} cannot be listened on: {error.strerror}") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise DemoError(f"{host}:{port} cannot be listened on: {error.strerror}") from error
    return listener


def _address(listener: socket.socket) -> str:
    """Host and port as they stand in a URL."""
    host, port, *_ = listener.getsockname()
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - all are ours too
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@contextlib.contextmanager
def _logging_to(file: Path) -> Iterator[None]:
    """Log into the file, so that the box stays readable; errors go to the terminal too."""
    with file.open("a", encoding="utf-8") as lines:
        logs.configure("info", "console", lines)
        root = logging.getLogger()
        errors = logging.StreamHandler()
        errors.setLevel(logging.ERROR)
        errors.setFormatter(root.handlers[0].formatter)
        root.addHandler(errors)
        try:
            yield
        finally:
            root.handlers.clear()
