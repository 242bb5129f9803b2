"""The doctor about S3: where it is, and each thing we do with files that the bucket's policy does
not allow.
"""

import asyncio
from typing import Any

import pytest

from server.doctor.files import check_files
from server.doctor.report import Report
from server.probes import UnfitError
from tests.between import Between, Moment, copying, peeking
from tests.files import keys_in
from tests.server.doctor.asking import remarks
from tests.servers import Servers
from tests.world import World


@pytest.mark.parametrize(
    ("denied", "line"),
    [
        (lambda request: request.method == "PUT" and not copying(request), "storing a file"),
        (copying, "copying a file"),
        (peeking, "reading a file"),
    ],
)
async def test_what_is_not_allowed_is_named(
    world: World, servers: Servers, denied: Moment, line: str
) -> None:
    before = await keys_in(world)
    async with Between.us_and(servers.s3_url) as between:
        between.forbid(denied)
        settings = world.settings.model_copy(update={"s3_endpoint_url": between.url})
        with pytest.raises(UnfitError) as error:
            await check_files(settings, Report("S3"))
    assert str(error.value) == (
        f"refuses the credentials, or does not let them use the bucket, for {line}"
    )
    assert await keys_in(world) == before


async def test_files_that_cannot_be_removed_are_no_secret(world: World, servers: Servers) -> None:
    async with Between.us_and(servers.s3_url) as between:
        between.forbid(lambda request: request.method == "DELETE")
        settings = world.settings.model_copy(update={"s3_endpoint_url": between.url})
        with pytest.raises(UnfitError, match="does not let us remove a file"):
            await check_files(settings, Report("S3"))


async def test_a_bucket_that_allows_everything_is_left_as_it_was(world: World) -> None:
    before = await keys_in(world)
    report = Report("S3")
    await check_files(world.settings, report)
    assert report.findings[0].line.startswith("the bucket answers")
    assert await keys_in(world) == before


async def test_no_bucket(good: dict[str, Any]) -> None:
    assert await remarks(good, s3_bucket="somebody-elses") == [
        ("S3", "has no such bucket (BACKCHANNEL_S3_ENDPOINT_URL)")
    ]


async def test_no_credentials(good: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    assert await remarks(good, s3_access_key_id=None, s3_secret_access_key=None) == [
        ("S3", "was not asked: no credentials were found (BACKCHANNEL_S3_ENDPOINT_URL)")
    ]


@pytest.mark.parametrize(
    ("status", "headers", "line"),
    [
        (403, "", "refuses the credentials, or does not let them use the bucket"),
        (
            301,
            "x-amz-bucket-region: eu-west-1\r\n",
            "keeps the bucket in another region than the settings say",
        ),
        (418, "", "answers with status 418"),
    ],
)
async def test_s3_refuses(good: dict[str, Any], status: int, headers: str, line: str) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        answer = f"HTTP/1.1 {status} No\r\n{headers}Content-Length: 0\r\nConnection: close\r\n\r\n"
        writer.write(answer.encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with server:
        url = "http://{}:{}".format(*server.sockets[0].getsockname())
        found = await remarks(good, s3_endpoint_url=url)
    assert found == [("S3", f"{line} (BACKCHANNEL_S3_ENDPOINT_URL)")]


async def test_links_without_tls(good: dict[str, Any]) -> None:
    assert await remarks(good, s3_public_url=None) == [
        ("S3", "clients get links without TLS (BACKCHANNEL_S3_PUBLIC_URL)")
    ]
