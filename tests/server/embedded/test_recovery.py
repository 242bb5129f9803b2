import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path

import asyncpg
import psutil
import pytest

from server.embedded import folder as module
from server.embedded.processes import EmbeddedError
from server.embedded.servers import embedded_servers

ROOT = Path(module.__file__).parents[2]


@pytest.fixture(scope="module")
async def cluster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cluster")
    async with embedded_servers(folder, names=["postgres"], durable=False):
        pass
    return folder


@pytest.fixture
def copy(cluster: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "copy"
    subprocess.run(["cp", "-a", cluster, folder], check=True)
    return folder


async def answers(folder: Path) -> bool:
    async with embedded_servers(folder, names=["postgres"], durable=False) as servers:
        connection = await asyncpg.connect(servers.postgres.url)
        try:
            return bool(await connection.fetchval("select true"))
        finally:
            await connection.close()


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("data/PG_VERSION", b"rubbish"),
        ("data/PG_VERSION", b""),
        ("data/PG_VERSION", b"17\n"),
        ("data/global/pg_control", b"\x00" * 8192),
        ("data/global/pg_control", b""),
        ("data/postgresql.conf", b"\xff\xfe rubbish"),
        ("data/pg_hba.conf", b""),
        ("data/global/pg_filenode.map", b""),
        ("password", b""),
    ],
)
async def test_damage_is_one_line_and_leaves_nothing_running(
    copy: Path, file: str, content: bytes
) -> None:
    (copy / "postgres" / file).write_bytes(content)
    with pytest.raises(EmbeddedError, match="PostgreSQL") as told:
        await answers(copy)
    assert "\n" not in str(told.value)


async def test_missing_files_are_one_line(copy: Path) -> None:
    shutil.rmtree(copy / "postgres" / "data" / "base")
    with pytest.raises(EmbeddedError, match="PostgreSQL"):
        await answers(copy)


@pytest.mark.parametrize(
    "content",
    [b"", b"rubbish\n", f"{os.getpid()}\n/tmp\n".encode()],
    ids=["empty", "rubbish", "of a process that is no PostgreSQL"],
)
async def test_a_stale_pid_file_is_no_damage(copy: Path, content: bytes) -> None:
    (copy / "postgres" / "data" / "postmaster.pid").write_bytes(content)
    assert await answers(copy)


async def test_an_unfinished_first_start_is_no_damage(tmp_path: Path) -> None:
    async with embedded_servers(tmp_path / "new", names=[]):
        unfinished = tmp_path / "new" / "postgres" / "unfinished"
        unfinished.mkdir(parents=True)
        (unfinished / "PG_VERSION").write_text("18")
    assert await answers(tmp_path / "new")


async def test_what_survived_even_the_watchdog_is_ended(copy: Path) -> None:
    program = """
import asyncio, os, signal, sys
from pathlib import Path
from server.embedded.servers import embedded_servers

async def main():
    names = ["postgres", "mongo"]
    async with embedded_servers(Path(sys.argv[1]), names=names, durable=False) as servers:
        print(servers.postgres.child.pid, servers.mongo.child.pid, flush=True)
        os.kill(servers.mongo._processes._watchdog.pid, signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""
    owner = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, copy, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert owner.stdout is not None
    # Not until its end: the strays have the same output.
    strays = [psutil.Process(int(pid)) for pid in (await owner.stdout.readline()).split()]
    await owner.wait()
    assert [stray.is_running() for stray in strays] == [True, True]
    assert await answers(copy)
    assert not any(
        stray.is_running() and stray.status() != psutil.STATUS_ZOMBIE for stray in strays
    )
