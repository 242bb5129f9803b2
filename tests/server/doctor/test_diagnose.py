"""The doctor, on real servers with something wrong with them."""

import asyncio
import gc
import time
from typing import Any

import pytest

from tests.server.doctor.asking import NOBODY, findings, remarks


async def test_nothing_is_wrong(good: dict[str, Any]) -> None:
    found = await findings(good)
    assert [finding for finding in found if finding.level != "ok"] == []
    assert {finding.subject for finding in found} == {
        "Configuration",
        "Documents",
        "PostgreSQL",
        "Background",
        "LISTEN",
        "MongoDB",
        "S3",
        "Tokens",
    }


async def test_nothing_is_there(good: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.doctor.directory.PATIENCE", 1_000)
    found = await remarks(
        good,
        database_url=f"postgresql://chat:hunter2@{NOBODY}/chat",
        background_url=None,
        mongo_url=f"mongodb://erp:hunter2@{NOBODY}",
        s3_endpoint_url=f"http://{NOBODY}",
        jwt_secret=None,
        jwt_jwks_url=f"http://{NOBODY}/jwks",
        jwt_audience="chat",
    )
    gone = "nothing listens at its address"
    assert found == [
        ("PostgreSQL", f"{gone} (BACKCHANNEL_DATABASE_URL)"),
        ("LISTEN", f"{gone} (BACKCHANNEL_DATABASE_URL)"),
        ("MongoDB", f"{gone} (BACKCHANNEL_MONGO_URL)"),
        ("S3", f"{gone} (BACKCHANNEL_S3_ENDPOINT_URL)"),
        (
            "Tokens",
            "BACKCHANNEL_JWT_JWKS_URL is not https: keys can be exchanged on the way",
        ),
        ("Tokens", f"{gone} (BACKCHANNEL_JWT_JWKS_URL)"),
    ]


# PyMongo, told to close in the middle of connecting, leaves the socket to the garbage collector.
@pytest.mark.filterwarnings("ignore:.*socket.socket")
async def test_servers_that_say_nothing(
    good: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.doctor.LIMIT", 1.0)
    released = asyncio.Event()

    async def silence(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await released.wait()
        writer.close()

    silent = await asyncio.start_server(silence, "127.0.0.1", 0)
    address = "{}:{}".format(*silent.sockets[0].getsockname())
    begun = time.monotonic()
    found = await remarks(
        good,
        database_url=f"postgresql://chat:hunter2@{address}/chat?sslmode=disable",
        background_url=None,
        mongo_url=f"mongodb://{address}",
        s3_endpoint_url=f"http://{address}",
        jwt_secret=None,
        jwt_jwks_url=f"http://{address}/jwks",
        jwt_audience="chat",
    )
    assert time.monotonic() - begun < 4.5
    late = [line for _, line in found if line.startswith("gave no answer in time")]
    assert len(late) == 5
    released.set()
    silent.close()
    await silent.wait_closed()
    gc.collect()
