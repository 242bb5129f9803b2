"""What still runs in a data directory after its owner and the owner's watchdog were both killed."""

import time
from contextlib import suppress
from pathlib import Path

import psutil

PATIENCE = 10.0
"""Seconds for killed processes to be gone."""


def end_leftovers(folder: Path) -> None:
    """Kill every server that works in the directory. The caller holds it, so all are stray."""
    folder = folder.resolve()
    found = [process for process in psutil.process_iter() if _is_server_in(folder, process)]
    for process in found:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    deadline = time.monotonic() + PATIENCE
    while any(map(_runs, found)) and time.monotonic() < deadline:
        time.sleep(0.02)


def _runs(process: psutil.Process) -> bool:
    # Not psutil's own wait: a process nobody reaps stays a zombie, which does no harm.
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def _is_server_in(folder: Path, process: psutil.Process) -> bool:
    try:
        # Not only by where it works: that may be somebody's shell.
        is_server = process.name() == "postgres" or any(
            word.startswith("server.embedded.") for word in process.cmdline()
        )
        return is_server and Path(process.cwd()).is_relative_to(folder)
    except psutil.Error:
        # Gone meanwhile, or another user's and so none of ours.
        return False
