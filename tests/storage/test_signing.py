"""Links and forms: what a signature lets a browser do, and what it costs."""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aioboto3
import pytest
from botocore.config import Config

from storage import signing
from storage.errors import ErrorCode, Refusal
from storage.objects import ObjectStore, ObjectStoreConfig

NOBODY = "http://127.0.0.1:9"
KEYS = {"access_key_id": "AKIDEXAMPLE", "secret_access_key": "secret"}


def config(**changes: Any) -> ObjectStoreConfig:
    """A bucket on a server nobody runs."""
    return ObjectStoreConfig(
        **{"bucket": "pictures", "region": "eu-central-1", "endpoint_url": NOBODY, **KEYS}
        | {"path_style": True}
        | changes
    )


async def link(store: ObjectStore, name: str = "a.png", type: str = "image/png") -> str:
    """A link, at once or after a moment."""
    found = store.link("files/key", name, type)
    return found if isinstance(found, str) else await found


def query(url: str) -> dict[str, str]:
    """The parameters of a link."""
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


@pytest.mark.parametrize(
    ("endpoint", "region", "path_style"),
    [
        (None, "us-east-1", False),
        (None, "eu-central-1", False),
        (None, "eu-central-1", True),
        ("https://minio.example.com", "us-east-1", False),
        (NOBODY, "eu-central-1", True),
    ],
)
async def test_a_link_is_what_amazons_own_library_would_sign(
    endpoint: str | None, region: str, path_style: bool
) -> None:
    settings = config(endpoint_url=endpoint, region=region, path_style=path_style)
    session = aioboto3.Session(KEYS["access_key_id"], KEYS["secret_access_key"])
    style = "path" if path_style else "virtual"
    options = Config(signature_version="s3v4", s3={"addressing_style": style})
    async with (
        ObjectStore.open(settings) as store,
        session.client("s3", region, endpoint_url=endpoint, config=options) as theirs,
    ):
        name = "Ein ‚Name‘ & mehr + 100 %.png"
        await link(store)
        while True:  # until both sign within the same second
            ours = await link(store, name)
            expected = await theirs.generate_presigned_url(
                "get_object",
                {
                    "Bucket": "pictures",
                    "Key": "files/key",
                    "ResponseContentType": "image/png",
                    "ResponseContentDisposition": signing.content_disposition(name, inline=True),
                },
                300,
            )
            if query(ours)["X-Amz-Date"] == query(expected)["X-Amz-Date"]:
                break
    assert urlsplit(ours)[:3] == urlsplit(expected)[:3]
    assert query(ours) == query(expected)
    assert query(ours)["X-Amz-Expires"] == "300"


async def test_amazon_is_addressed_where_the_bucket_is() -> None:
    """The one host for all regions redirects, which a browser's form does not survive."""
    async with ObjectStore.open(config(endpoint_url=None, path_style=False)) as store:
        form = await store.form("incoming/key", "image/png", 10)
        assert form.url == "https://pictures.s3.eu-central-1.amazonaws.com/"
        assert (await link(store)).startswith(f"{form.url}files/key?")


async def test_clients_are_sent_to_the_address_they_know() -> None:
    async with ObjectStore.open(config(public_url="https://files.example.com")) as store:
        form = await store.form("incoming/key", "image/png", 10)
        assert form.url == "https://files.example.com/pictures"
        assert (await link(store)).startswith("https://files.example.com/pictures/files/key?")


async def test_a_form_is_for_one_key_one_type_and_one_size_for_ten_minutes() -> None:
    async with ObjectStore.open(config()) as store:
        form = await store.form("incoming/key", "image/png", 12_345)
    assert form.fields["key"] == "incoming/key"
    assert form.fields["Content-Type"] == "image/png"
    policy = json.loads(base64.b64decode(form.fields["policy"]))
    named = {
        name: value
        for each in policy["conditions"]
        if isinstance(each, dict)
        for name, value in each.items()
    }
    assert [each for each in policy["conditions"] if isinstance(each, list)] == [
        ["content-length-range", 12_345, 12_345]
    ]
    assert named.pop("bucket") == "pictures"
    # Every field but the policy and its signature is pinned down by a condition, and no other is.
    assert named == {
        name: value
        for name, value in form.fields.items()
        if name not in ("policy", "x-amz-signature")
    }
    left = datetime.fromisoformat(policy["expiration"]) - datetime.now(UTC)
    assert timedelta(minutes=9) < left <= timedelta(minutes=10)


async def test_nobody_is_asked_for_a_signature() -> None:
    """There is nobody at the address, and links are signed without even waiting."""
    async with ObjectStore.open(config()) as store:
        await store.form("incoming/key", "image/png", 1)
        await link(store)
        assert isinstance(store.link("files/key", "a.png", "image/png"), str)


async def test_a_page_of_links_is_signed_in_no_time() -> None:
    async with ObjectStore.open(config()) as store:
        await link(store)
        times = []
        for _ in range(5):
            began = time.process_time()
            for _ in range(100):
                await link(store)
            times.append(time.process_time() - began)
    # botocore's own way takes a millisecond for each on the same machine.
    assert min(times) < 0.09


def nobodys(environment: pytest.MonkeyPatch) -> None:
    """An environment in which AWS's tools find no credentials."""
    environment.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        environment.delenv(name, raising=False)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        environment.setenv(name, "/nowhere")


AS_AWS_FINDS_OUT = {"access_key_id": None, "secret_access_key": None}


async def test_without_credentials_files_are_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    nobodys(monkeypatch)
    async with ObjectStore.open(config(**AS_AWS_FINDS_OUT)) as store:
        for attempt in (
            lambda: link(store),
            lambda: store.form("incoming/key", "image/png", 1),
            store.ping,
        ):
            with pytest.raises(Refusal) as refused:
                await attempt()
            assert (refused.value.code, refused.value.service) == (ErrorCode.UNAVAILABLE, "s3")


@asynccontextmanager
async def credentials_server(seconds: float) -> AsyncIterator[tuple[str, list[str]]]:
    """Gives out credentials that end after so many seconds; its address, and what it gave."""
    given: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        given.append(f"ASIA{len(given)}")
        ends = datetime.now(UTC) + timedelta(seconds=seconds)
        body = json.dumps(
            {
                "AccessKeyId": given[-1],
                "SecretAccessKey": "secret",
                "Token": "a/token+",
                "Expiration": ends.strftime("%Y-%m-%dT%H:%M:%SZ"),
            }
        ).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", given


async def test_a_roles_credentials_are_fetched_once_for_many_links(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    nobodys(monkeypatch)
    async with credentials_server(seconds=3600) as (url, given):
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", url)
        async with ObjectStore.open(config(**AS_AWS_FINDS_OUT)) as store:
            links = [await link(store) for _ in range(10)]
    assert given == ["ASIA0"]
    assert {query(each)["X-Amz-Credential"].split("/")[0] for each in links} == {"ASIA0"}
    assert {query(each)["X-Amz-Security-Token"] for each in links} == {"a/token+"}


async def test_credentials_that_end_are_renewed_before_they_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    nobodys(monkeypatch)
    monkeypatch.setattr(signing, "CREDENTIALS_SECONDS", 0.0)
    async with credentials_server(seconds=300) as (url, given):
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", url)
        async with ObjectStore.open(config(**AS_AWS_FINDS_OUT)) as store:
            first, second = await link(store), await link(store)
    whose = [query(each)["X-Amz-Credential"].split("/")[0] for each in (first, second)]
    assert len(given) > 1
    assert whose[0] != whose[1]
