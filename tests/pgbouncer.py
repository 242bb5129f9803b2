"""PgBouncer between us and PostgreSQL, where it is installed."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy.engine import make_url

from tests.world import free_port

PROGRAM = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")

CONFIG = """
[databases]
* = host={host} port={port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own}
unix_socket_dir =
auth_type = plain
auth_file = {users}
pool_mode = {mode}
ignore_startup_parameters = {ignored}
logfile = {folder}/pgbouncer.log
"""


@asynccontextmanager
async def pgbouncer(*urls: str, mode: str, ignores: str = "") -> AsyncIterator[list[str]]:
    """The same URLs by way of a PgBouncer in this mode, which passes over the startup parameters
    that it ``ignores`` and refuses others.
    """
    assert PROGRAM is not None, "PgBouncer is not installed"
    places = [make_url(url) for url in urls]
    own = free_port()
    with tempfile.TemporaryDirectory(prefix="backchannel-pgbouncer-") as name:
        folder = Path(name)
        os.chmod(folder, 0o777)  # noqa: PTH101 - as root it wants to be somebody else
        users = folder / "users.txt"
        users.write_text("".join(f'"{each.username}" "{each.password}"\n' for each in places))
        config = folder / "pgbouncer.ini"
        config.write_text(
            CONFIG.format(
                host=places[0].host,
                port=places[0].port or 5432,
                own=own,
                users=users,
                mode=mode,
                ignored=ignores,
                folder=folder,
            )
        )
        as_nobody = ["-u", "nobody"] if os.geteuid() == 0 else []
        process = await asyncio.create_subprocess_exec(
            PROGRAM, "-q", *as_nobody, str(config), stderr=asyncio.subprocess.DEVNULL
        )
        try:
            await _answers(own, process)
            yield [
                each.set(host="127.0.0.1", port=own).render_as_string(hide_password=False)
                for each in places
            ]
        finally:
            process.kill()
            await process.wait()


async def _answers(port: int, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(10):
        while True:
            assert process.returncode is None, "PgBouncer does not start"
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return
