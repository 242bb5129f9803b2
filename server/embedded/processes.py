"""Child processes that never outlive their parent and keep what they say in a file."""

import asyncio
import contextlib
import os
import pwd
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from types import MappingProxyType

from server.embedded import watchdog

PATIENCE = 10.0
"""Seconds a child has to end after its signal, before SIGKILL."""


class EmbeddedError(Exception):
    """The embedded servers cannot run. The message is one line for a person at a terminal."""


class BrokenError(EmbeddedError):
    """They cannot run with what is in their directory; with an empty one they could."""


class Child:
    """One running program."""

    def __init__(
        self,
        popen: subprocess.Popen[bytes],
        stop_signal: signal.Signals,
        log: Path,
        log_start: int,
        when_ended: Callable[["Child"], None],
    ) -> None:
        self.pid = popen.pid
        self._popen = popen
        self._stop_signal = stop_signal
        self._log = log
        self._log_start = log_start
        self._end: Future[int] = Future()
        self._when_ended = when_ended
        threading.Thread(target=self._reap, daemon=True).start()

    @property
    def has_ended(self) -> bool:
        """Whether the program is gone."""
        return self._end.done()

    async def wait(self) -> int:
        """Wait until the program is gone; its exit code, or minus the signal that ended it."""
        # Shielded: who stops waiting must not cancel the end for the others.
        return await asyncio.shield(asyncio.wrap_future(self._end))

    async def stop(self) -> None:
        """Ask the program to end, insist after a while, and wait until it is gone."""
        self._popen.send_signal(self._stop_signal)
        try:
            await asyncio.wait_for(self.wait(), PATIENCE)
        except TimeoutError:
            await self.kill()

    async def kill(self) -> None:
        """End the program as a crash would, and wait until it is gone."""
        self._popen.kill()
        await self.wait()

    def complaint(self) -> str:
        """Of all it logged, the line that most likely says what is wrong."""
        with self._log.open("rb") as log:
            log.seek(self._log_start)
            lines = [line.strip() for line in log.read().decode(errors="replace").splitlines()]
        said = [line for line in lines if line]
        # PostgreSQL's, without its time and process.
        grave = [found.group() for line in said if (found := re.search("(FATAL|PANIC):.*", line))]
        return (grave or said or ["it said nothing"])[-1]

    def _reap(self) -> None:
        code = self._popen.wait()
        self._when_ended(self)
        self._end.set_result(code)


class Processes:
    """All children of one owner, with a watchdog that stops them if the owner dies.

    Nothing here belongs to an event loop: started under one ``asyncio.run``,
    they can be stopped under another.
    """

    def __init__(self, logs: Path, *, keep_open: Sequence[int] = ()) -> None:
        """Start the watchdog; what children say goes to ``logs/NAME.log``.

        The watchdog holds the descriptors ``keep_open`` until the last child is
        gone, so a lock on one of them is not free before.
        """
        self._logs = logs
        self._children: set[Child] = set()
        ending, self._alive = os.pipe()
        self._watchdog = subprocess.Popen(
            [sys.executable, "-I", "-S", watchdog.__file__, str(ending)],
            stdin=subprocess.PIPE,
            pass_fds=(ending, *keep_open),
            # A terminal sends Ctrl-C to everything in its session. Only the owner
            # may hear it: it stops the others in good order.
            start_new_session=True,
        )
        os.close(ending)

    def start(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        stop_signal: signal.Signals = signal.SIGTERM,
        folder: Path,
        user: pwd.struct_passwd | None = None,
        environment: Mapping[str, str] = MappingProxyType({}),
        pass_fds: Sequence[int] = (),
    ) -> Child:
        """Start a program in ``folder``; as another user if one is given, which only root can."""
        log = self._logs / f"{name}.log"
        with log.open("ab") as output:
            log_start = output.tell()
            popen = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                user=user and user.pw_uid,
                group=user and user.pw_gid,
                extra_groups=user and (),
                env=os.environ | environment,
                umask=0o077,
                cwd=folder,
                pass_fds=(self._alive, *pass_fds),
                start_new_session=True,
            )
        self._tell(f"+{popen.pid} {int(stop_signal)}")
        child = Child(popen, stop_signal, log, log_start, self._forget)
        self._children.add(child)
        return child

    async def close(self) -> None:
        """Stop every child, all at the same time, and then the watchdog."""
        await asyncio.gather(*(child.stop() for child in tuple(self._children)))
        assert self._watchdog.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._watchdog.stdin.close()
        os.close(self._alive)
        await asyncio.to_thread(self._watchdog.wait)

    def _forget(self, child: Child) -> None:
        self._children.discard(child)
        self._tell(f"-{child.pid}")

    def _tell(self, line: str) -> None:
        assert self._watchdog.stdin is not None
        # Should somebody kill the watchdog, its owner still stops the children itself.
        with contextlib.suppress(BrokenPipeError):
            self._watchdog.stdin.write(f"{line}\n".encode())
            self._watchdog.stdin.flush()
