import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from server.embedded import processes as module
from server.embedded.processes import Processes

OWNER = """
import asyncio, sys, time
from pathlib import Path
from server.embedded.processes import Processes

async def main():
    folder = Path(sys.argv[1])
    processes = Processes(folder)
    for name in ("one", "two"):
        processes.start(name, ["sleep", "100"], folder=folder)
    print("started", flush=True)
    time.sleep(100)

asyncio.run(main())
"""


def is_empty(log: Path) -> bool:
    return log.stat().st_size == 0


async def something_in(log: Path) -> None:
    while is_empty(log):  # noqa: ASYNC110 - a file tells nobody that it has grown
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
async def test_children_end_with_their_owner_however_it_ends(
    tmp_path: Path, number: signal.Signals
) -> None:
    # Each child has the writing end of this pipe: it ends when all are gone.
    reading, writing = os.pipe()
    program = OWNER.replace("folder=folder", f"folder=folder, pass_fds=({writing},)")
    owner = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-c", program, tmp_path),
        stdout=asyncio.subprocess.PIPE,
        pass_fds=(writing,),
        cwd=Path(module.__file__).parents[2],
    )
    os.close(writing)
    assert owner.stdout is not None
    assert await owner.stdout.readline() == b"started\n"
    owner.send_signal(number)
    await owner.wait()
    ended = await asyncio.wait_for(asyncio.to_thread(os.read, reading, 1), 5)
    os.close(reading)
    assert ended == b""


async def test_closing_stops_all_at_the_same_time_with_the_signal_of_each(tmp_path: Path) -> None:
    processes = Processes(tmp_path)
    # Told to stop, each waits until all have been told.
    script = """
        all_told() { [ -e told-one ] && [ -e told-two ] && [ -e told-three ]; }
        trap 'touch told-$0; until all_told; do sleep 0.01; done; echo stopping; exit' INT
        echo ready
        while :; do sleep 0.01; done
    """
    for name in ("one", "two", "three"):
        command = ["sh", "-c", script, name]
        processes.start(name, command, folder=tmp_path, stop_signal=signal.SIGINT)
    for name in ("one", "two", "three"):
        await something_in(tmp_path / f"{name}.log")
    await processes.close()
    for name in ("one", "two", "three"):
        assert (tmp_path / f"{name}.log").read_text() == "ready\nstopping\n"


async def test_what_does_not_stop_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.1)
    processes = Processes(tmp_path)
    child = processes.start(
        "deaf", ["sh", "-c", "trap '' TERM; echo ready; exec sleep 100"], folder=tmp_path
    )
    await something_in(tmp_path / "deaf.log")
    await processes.close()
    assert child.has_ended
    assert await child.wait() == -signal.SIGKILL


async def test_a_terminals_ctrl_c_does_not_reach_the_children(tmp_path: Path) -> None:
    processes = Processes(tmp_path)
    child = processes.start("one", ["sleep", "100"], folder=tmp_path)
    assert os.getsid(child.pid) == child.pid != os.getsid(0)
    await processes.close()
    with pytest.raises(ProcessLookupError):
        os.kill(child.pid, 0)


async def test_the_complaint_is_the_gravest_line_of_this_run(tmp_path: Path) -> None:
    processes = Processes(tmp_path)
    for said, expected in [
        ("LOG: starting\\nFATAL: no room\\nLOG: shut down\\n\\n", "FATAL: no room"),
        ("Traceback:\\nValueError: wrong\\n", "ValueError: wrong"),
        ("", "it said nothing"),
    ]:
        child = processes.start("noisy", ["printf", said], folder=tmp_path)
        await child.wait()
        assert child.complaint() == expected
    await processes.close()
