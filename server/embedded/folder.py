"""The data directory: whose it is, and that only one owner uses it at a time."""

import asyncio
import fcntl
import os
import shutil
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from server.embedded.leftovers import end_leftovers
from server.embedded.processes import EmbeddedError

LOCK = "backchannel.lock"
"""Marks a directory as ours; says its owner's process id while there is one."""

LEFTOVERS = 20.0
"""Seconds to wait for what a killed owner left running; its watchdog is stopping it."""


@asynccontextmanager
async def claimed(folder: Path) -> AsyncIterator[int]:
    """Make the directory and hold it; nobody else gets it while the yielded descriptor is open.

    Raises EmbeddedError if it is somebody else's, in use or not writable.
    """
    descriptor = _open(folder)
    try:
        await _lock(folder, descriptor)
        if _owner(descriptor) is not None:
            # It never came to the last line below, and perhaps its watchdog did not either.
            await asyncio.to_thread(end_leftovers, folder)
        with explained(folder):
            os.truncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield descriptor
        os.truncate(descriptor, 0)
    finally:
        os.close(descriptor)


def empty(folder: Path) -> None:
    """Remove everything from a directory that is held, but not the lock."""
    for entry in folder.iterdir():
        if entry.name == LOCK:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def write_private(file: Path, text: str) -> None:
    """Write a file, whole or not at all, that only its owner may read."""
    unfinished = file.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    unfinished.touch(mode=0o600, exist_ok=False)
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(file)


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Turn what the operating system refuses in the directory into one line about it."""
    try:
        yield
    except OSError as error:
        where = error.filename2 or error.filename or folder
        reason = error.strerror or error
        raise EmbeddedError(f"the data directory cannot be used: {where}: {reason}") from error


def _open(folder: Path) -> int:
    with explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / LOCK).exists() and any(folder.iterdir()):
            raise EmbeddedError(
                f"{folder} is not empty and no data directory of ours; choose another one"
            )
        return os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)


async def _lock(folder: Path, descriptor: int) -> None:
    deadline = time.monotonic() + LEFTOVERS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = _owner(descriptor)
            if owner is not None and _is_alive(owner):
                raise EmbeddedError(f"{folder} is in use by process {owner}") from None
            if time.monotonic() > deadline:
                raise EmbeddedError(
                    f"{folder} is in use by what an earlier process left running"
                ) from None
            # flock can wait by itself, but not with a limit.
            await asyncio.sleep(0.05)
        else:
            return


def _owner(descriptor: int) -> int | None:
    written = os.pread(descriptor, 32, 0).strip()
    return int(written) if written.isdigit() else None


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
