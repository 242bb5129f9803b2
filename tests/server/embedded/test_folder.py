import asyncio
import os
import sys
import time
from pathlib import Path

import pytest

from server.embedded import folder as module
from server.embedded.folder import LOCK, claimed
from server.embedded.processes import EmbeddedError
from server.embedded.servers import embedded_servers


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


async def test_a_directory_has_one_owner_at_a_time(tmp_path: Path) -> None:
    folder = tmp_path / "several" / "levels"
    async with claimed(folder):
        with pytest.raises(EmbeddedError, match=f"in use by process {os.getpid()}"):
            async with claimed(folder):
                pass
    async with claimed(folder):
        pass


async def test_what_a_killed_owner_left_running_is_waited_for(tmp_path: Path) -> None:
    program = (
        "import asyncio, os, subprocess, sys; from pathlib import Path\n"
        "from server.embedded.folder import claimed\n"
        "async def main():\n"
        "    async with claimed(Path(sys.argv[1])) as lock:\n"
        "        subprocess.Popen(['sleep', '0.5'], pass_fds=[lock])\n"
        "        os._exit(1)\n"
        "asyncio.run(main())"
    )
    owner = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, tmp_path, cwd=Path(module.__file__).parents[2]
    )
    await owner.wait()
    before = time.monotonic()
    async with claimed(tmp_path):
        assert 0.2 < time.monotonic() - before < 5


async def test_what_never_ends_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LEFTOVERS", 0.1)
    async with claimed(tmp_path):
        (tmp_path / LOCK).write_text("")
        with pytest.raises(EmbeddedError, match="an earlier process left running"):
            async with claimed(tmp_path):
                pass


async def test_somebody_elses_directory_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(EmbeddedError, match="is not empty"):
        async with embedded_servers(tmp_path, names=[], reset=True):
            pass
    assert names_in(tmp_path) == {"thesis.txt"}


async def test_reset_empties_what_is_ours_and_follows_no_link(tmp_path: Path) -> None:
    ours, elsewhere = tmp_path / "ours", tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "file").touch()
    async with embedded_servers(ours, names=[]):
        (ours / "mongo").mkdir()
        (ours / "mongo" / "file").touch()
        (ours / "link").symlink_to(elsewhere)
    async with embedded_servers(ours, names=[], reset=True):
        assert names_in(ours) == {LOCK, "logs"}
    assert (elsewhere / "file").exists()


@pytest.mark.parametrize("place", ["file", "file/below", "/proc/backchannel"])
async def test_an_unusable_place_is_one_line(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedError, match="cannot be used") as told:
        async with claimed(tmp_path / place):
            pass
    assert "\n" not in str(told.value)
