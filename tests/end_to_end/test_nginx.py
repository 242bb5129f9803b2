"""Behind nginx, where it is there, as docs/operations.md has it."""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest
from websockets.typing import Origin

import tests
from tests.realtime.following import EVENTS, contents
from tests.streams import MULTIPART, SSE, stream
from tests.world import Person, World, free_port

PAGE = Path(tests.__file__).parents[1] / "docs" / "operations.md"


def configured(folder: str, port: int, behind: int) -> str:
    """The page's configuration, on these ports and without TLS."""
    (block,) = re.findall("```nginx\n(.*?)```", PAGE.read_text(), re.DOTALL)
    for line, instead in (
        ("listen 443 ssl http2;", f"listen 127.0.0.1:{port};"),
        ("server 127.0.0.1:8000;", f"server 127.0.0.1:{behind};"),
        (r"ssl_certificate\w* .*?;", ""),
    ):
        block, found = re.subn(line, instead, block)
        assert found, line
    places = "".join(
        f"{what}_temp_path {folder}/{what};"
        for what in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return (
        f"pid {folder}/pid; error_log {folder}/error.log; daemon off; master_process off;"
        f"events {{}} http {{ access_log off; {places} {block} }}"
    )


@pytest.fixture(scope="module")
async def proxied(world: World) -> AsyncIterator[World]:
    """The company by way of nginx."""
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    if nginx is None:
        pytest.skip("nginx is not there")
    port = free_port()
    with TemporaryDirectory(prefix="backchannel-nginx-") as folder:
        async with world.another_server(trusted_proxies=("127.0.0.1",)) as server:
            config = Path(folder) / "nginx.conf"
            config.write_text(configured(folder, port, server.port))
            process = await asyncio.create_subprocess_exec(nginx, "-c", config, "-p", folder)
            try:
                async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
                    await answering(http)
                    yield replace(server, port=port, http=http)
            finally:
                process.terminate()
                await process.wait()


async def answering(http: httpx.AsyncClient) -> None:
    async with asyncio.timeout(10):
        while True:
            try:
                await http.get("/healthz")
            except httpx.ConnectError:
                await asyncio.sleep(0.02)
            else:
                return


@pytest.fixture
def dave(proxied: World) -> Person:
    return proxied.dave


async def test_pages_of_its_host_may_ask(proxied: World, dave: Person) -> None:
    headers = {"Authorization": dave.token, "Origin": f"http://127.0.0.1:{proxied.port}"}
    body = {"query": "{ __typename }"}
    response = await proxied.http.post("/graphql", json=body, headers=headers)
    assert response.json() == {"data": {"__typename": "Query"}}
    other = await proxied.http.post("/graphql", json=body, headers={"Origin": "http://a.example"})
    assert other.status_code == 403


@pytest.mark.parametrize("accept", [SSE, MULTIPART])
async def test_streams_are_not_gathered(proxied: World, dave: Person, accept: str) -> None:
    channel = await proxied.carol.create_channel(dave)
    async with stream(dave, EVENTS, accept, id=channel) as answer:
        await proxied.followed(channel)
        for content in ("one", "two"):
            await proxied.carol.say(channel, content)
            assert contents(await answer.take(1)) == [content]
    await proxied.followed(channel, 0)


async def test_sockets_are_passed_on(proxied: World, dave: Person) -> None:
    channel = await proxied.carol.create_channel(dave)
    origin = Origin(f"http://127.0.0.1:{proxied.port}")
    async with proxied.bare_socket(origin=origin) as socket:
        await socket.send({"type": "connection_init", "payload": {"authorization": dave.token}})
        assert await socket.receive() == {"type": "connection_ack"}
        events = await socket.subscribe(EVENTS, id=channel)
        await proxied.followed(channel)
        await proxied.carol.say(channel)
        assert contents(await events.take(1)) == ["Hello"]
