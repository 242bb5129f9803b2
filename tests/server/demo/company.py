"""A demo as its users run it: a process of its own, on a port of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
from typer.testing import CliRunner

import server.cli

ROOT = Path(server.__file__).parents[1]

READY = "Backchannel is ready."


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def options(folder: Path, *arguments: str, port: int | None = None) -> list[str]:
    return ["demo", "--port", str(port or free_port()), "--data-dir", str(folder), *arguments]


def command(folder: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "server.cli", *options(folder, *arguments)]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


@dataclass
class Running:
    """A demo that is ready; what it printed until then."""

    folder: Path
    process: subprocess.Popen[str]
    box: str

    @property
    def told(self) -> dict[str, Any]:
        """demo.json."""
        found: dict[str, Any] = json.loads((self.folder / "demo.json").read_text())
        return found

    def children(self) -> list[psutil.Process]:
        """Every process it started, and those started by them."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def run(self, who: str, query: str, **variables: Any) -> Any:
        """The data of an operation of one of its people."""
        tokens = {user["key"]: user["token"] for user in self.told["users"]}
        answer = httpx.post(
            self.told["graphqlUrl"],
            json={"query": query, "variables": variables},
            headers={"Authorization": f"Bearer {tokens[who]}"},
            timeout=20,
        ).json()
        assert "errors" not in answer, answer
        return answer["data"]

    def end(self, number: signal.Signals) -> int:
        """Send it a signal and wait; its exit code."""
        self.process.send_signal(number)
        code = self.process.wait(30)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


def start(folder: Path, *arguments: str) -> Running:
    """Start one and return when it is ready."""
    process = subprocess.Popen(
        command(folder, *arguments), env=environment(), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if "subscribe" in line:
            break
    else:
        raise AssertionError(f"the demo ended with {process.wait()}: {''.join(lines)}")
    # What else it prints must not fill the pipe.
    threading.Thread(target=process.stdout.read, daemon=True).start()
    return Running(folder, process, "".join(lines))


def refused(folder: Path, *arguments: str, port: int | None = None) -> str:
    """The one line with which it refuses to run: in this process, as most of one of its own is
    imports.
    """
    with _unchanged():
        done = CliRunner().invoke(
            server.cli.app, options(folder, *arguments, port=port), catch_exceptions=False
        )
    return _only_line(done.exit_code, done.stdout, done.stderr)


def refused_alone(folder: Path) -> str:
    """The same of a process of its own."""
    done = subprocess.run(
        command(folder), env=environment(), capture_output=True, text=True, timeout=50
    )
    return _only_line(done.returncode, done.stdout, done.stderr)


def _only_line(code: int, said: str, complained: str) -> str:
    assert (code, said) == (2, "")
    assert complained.count("\n") == 1, complained
    return complained.strip()


@contextmanager
def _unchanged() -> Iterator[None]:
    """The demo takes its process for its own: its signals and its environment."""
    signals = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    environment = dict(os.environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(environment)
        for number, handler in signals.items():
            signal.signal(number, handler)


def gone(processes: list[psutil.Process]) -> bool:
    """Whether none of these runs any more."""
    _, alive = psutil.wait_procs(processes, timeout=10)
    return all(process.status() == psutil.STATUS_ZOMBIE for process in alive)
