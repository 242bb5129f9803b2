"""MongoDB is down: the directory says so, soon, in one word, on either driver."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest
from bson import ObjectId
from pymongo.uri_parser import parse_uri

import storage.directory
from storage.directory import Directory, DirectoryNames
from storage.errors import ErrorCode, Refusal
from tests.proxy import Proxy
from tests.servers import Servers
from tests.storage.conftest import mongo_client
from tests.world import free_port

ID = str(ObjectId())

READS: list[Callable[[Directory], Awaitable[object]]] = [
    lambda directory: directory.users([ID]),
    lambda directory: directory.role("clerk"),
    lambda directory: directory.size(),
    lambda directory: anext(directory.everybody()),
    lambda directory: directory.ping(),
]


async def refused(read: Awaitable[object]) -> None:
    with pytest.raises(Refusal) as refusal:
        await read
    assert refusal.value.code == ErrorCode.UNAVAILABLE
    assert refusal.value.service == "mongodb"


async def test_every_read_of_a_dead_server_is_unavailable(driver: str) -> None:
    url = f"mongodb://127.0.0.1:{free_port()}"
    async with mongo_client(driver, url, serverSelectionTimeoutMS=50) as client:
        directory = Directory(client["erp"], DirectoryNames())
        for read in READS:
            await refused(read(directory))


async def test_a_silent_server_is_given_up_in_time_and_then_believed_dead_for_a_second(
    driver: str, servers: Servers
) -> None:
    seconds = 1.5
    milliseconds = int(seconds * 1000)
    ((host, port),) = parse_uri(servers.mongo_url)["nodelist"]
    async with Proxy.to(host, port) as line:
        url = servers.mongo_url.replace(f"{host}:{port}", f"127.0.0.1:{line.port}")
        options = dict.fromkeys(
            ("serverSelectionTimeoutMS", "connectTimeoutMS", "socketTimeoutMS"), milliseconds
        )
        async with mongo_client(driver, url, **options) as client:
            directory = Directory(client["erp"], DirectoryNames(), seconds)
            await directory.ping()
            line.freeze()
            began = time.monotonic()
            await refused(directory.ping())
            # Not the driver's limits one after the other: it tries twice.
            assert time.monotonic() - began < 1.9 * seconds
            began = time.monotonic()
            for _ in range(100):
                await refused(directory.ping())
            assert time.monotonic() - began < seconds


async def test_what_was_believed_dead_is_tried_again(
    driver: str, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage.directory, "BACKOFF_SECONDS", 0.0)
    ((host, port),) = parse_uri(servers.mongo_url)["nodelist"]
    async with Proxy.to(host, port) as line:
        url = servers.mongo_url.replace(f"{host}:{port}", f"127.0.0.1:{line.port}")
        async with mongo_client(driver, url, serverSelectionTimeoutMS=100) as client:
            directory = Directory(client["erp"], DirectoryNames())
            await directory.ping()
            await line.cut()
            await refused(directory.ping())
            await line.mend()
            async with asyncio.timeout(20):
                while True:
                    try:
                        return await directory.ping()
                    except Refusal:
                        await asyncio.sleep(0.01)
