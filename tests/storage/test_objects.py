"""The object store: what is done to objects, and what happens when it is not there."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from storage.errors import ErrorCode, Refusal
from storage.objects import FILES, FORMS, ObjectStore, ObjectStoreConfig, new_key
from tests.files import download
from tests.proxy import Proxy
from tests.servers import Servers


def config(servers: Servers, bucket: str, **changes: Any) -> ObjectStoreConfig:
    """The embedded store."""
    return ObjectStoreConfig(
        **{
            "bucket": bucket,
            "region": servers.s3_region,
            "endpoint_url": servers.s3_url,
            "access_key_id": servers.s3_access_key_id,
            "secret_access_key": servers.s3_secret_access_key,
            "path_style": True,
            **changes,
        }
    )


@pytest.fixture
async def store(servers: Servers, bucket: str) -> AsyncIterator[ObjectStore]:
    """A bucket of this test's own."""
    async with ObjectStore.open(config(servers, bucket)) as store:
        yield store


async def everything(store: ObjectStore, key: str) -> bytes:
    """All of an object."""
    return b"".join([chunk async for chunk in store.read(key)])


def test_keys_cannot_be_guessed_and_say_nothing() -> None:
    keys = {new_key(FILES) for _ in range(1000)}
    assert len(keys) == 1000
    assert {len(key) for key in keys} == {len(FILES) + 1 + 32}
    assert FORMS != FILES


async def test_an_object_is_stored_measured_read_copied_and_removed(store: ObjectStore) -> None:
    content = bytes(range(256)) * 1000
    source, target = new_key(FORMS), new_key(FILES)
    assert await store.size(source) is None
    await store.put(source, content)
    assert await store.size(source) == len(content)
    assert await store.first_bytes(source, 300) == content[:300]
    assert await store.first_bytes(source, 10**6) == content
    assert await everything(store, source) == content
    assert await store.copy(source, target)
    assert await everything(store, target) == content
    assert await store.delete([source]) == [source]
    assert await store.size(source) is None
    assert await store.size(target) == len(content)


async def test_what_is_not_there_is_not_copied_and_is_gone_already(store: ObjectStore) -> None:
    source, target = new_key(FORMS), new_key(FILES)
    assert not await store.copy(source, target)
    assert await store.size(target) is None
    assert await store.delete([source, target]) == [source, target]


async def test_a_copy_has_nothing_left_of_what_the_browser_said_it_was(store: ObjectStore) -> None:
    source, target = new_key(FORMS), new_key(FILES)
    await store._client.put_object(
        Bucket=store._bucket,
        Key=source,
        Body=b"<script>",
        ContentType="text/html",
        ContentDisposition="inline",
        Metadata={"owner": "mallory"},
    )
    assert await store.copy(source, target)
    found = await store._client.head_object(Bucket=store._bucket, Key=target)
    assert found["ContentType"] == "application/octet-stream"
    assert found["ContentDisposition"] == "attachment"
    assert found["Metadata"] == {}


@pytest.mark.parametrize(
    ("mime_type", "shown"),
    [
        ("image/png", True),
        ("image/webp", True),
        ("video/mp4", True),
        ("audio/mpeg", True),
        ("image/svg+xml", False),
        ("text/html", False),
        ("text/plain", False),
        ("application/pdf", False),
        ("application/json", False),
        ("application/xhtml+xml", False),
        ("image/x-unheard-of", False),
    ],
)
async def test_a_link_shows_what_runs_nothing_and_saves_the_rest(
    store: ObjectStore, mime_type: str, shown: bool
) -> None:
    key = new_key(FILES)
    await store.put(key, b"content")
    link = store.link(key, "Ein „Name“.bin", mime_type)
    response = await download(link if isinstance(link, str) else await link)
    assert response.content == b"content"
    assert response.headers["Content-Type"] == (mime_type if shown else "application/octet-stream")
    kind, _, name = response.headers["Content-Disposition"].partition(";")
    assert kind == ("inline" if shown else "attachment")
    assert name.endswith("filename*=UTF-8''Ein%20%E2%80%9EName%E2%80%9C.bin")


async def every_call(store: ObjectStore) -> list[Refusal]:
    """What each call is refused with."""
    refusals = []
    for call in (
        store.ping,
        lambda: store.size("files/x"),
        lambda: store.first_bytes("files/x", 10),
        lambda: everything(store, "files/x"),
        lambda: store.put("files/x", b"x"),
        lambda: store.copy("files/x", "files/y"),
        lambda: store.delete(["files/x"]),
    ):
        with pytest.raises(Refusal) as refused:
            await call()
        refusals.append(refused.value)
    return refusals


async def test_a_store_that_is_down_is_unavailable_for_everything(
    servers: Servers, bucket: str
) -> None:
    async with (
        Proxy.to("127.0.0.1", int(servers.s3_url.rpartition(":")[2])) as line,
        ObjectStore.open(
            config(servers, bucket, endpoint_url=f"http://127.0.0.1:{line.port}")
        ) as store,
    ):
        await store.put("files/x", b"x")
        await line.cut()
        for refusal in await every_call(store):
            assert (refusal.code, refusal.service) == (ErrorCode.UNAVAILABLE, "s3")
        await line.mend()
        assert await everything(store, "files/x") == b"x"


async def test_a_store_that_says_nothing_is_given_up_after_a_while(
    servers: Servers, bucket: str
) -> None:
    async with (
        Proxy.to("127.0.0.1", int(servers.s3_url.rpartition(":")[2])) as line,
        ObjectStore.open(
            config(servers, bucket, endpoint_url=f"http://127.0.0.1:{line.port}", timeout=0.2)
        ) as store,
    ):
        line.freeze()
        began = time.perf_counter()
        results = await asyncio.gather(
            store.ping(),
            store.size("files/x"),
            store.first_bytes("files/x", 10),
            everything(store, "files/x"),
            store.put("files/x", b"x"),  # asks for a "go on" that never comes
            store.delete(["files/x"]),
            return_exceptions=True,
        )
        assert time.perf_counter() - began < 3
    assert all(isinstance(result, Refusal) for result in results), results


async def test_a_missing_bucket_is_unavailable_and_never_an_empty_one(servers: Servers) -> None:
    async with ObjectStore.open(config(servers, "nobodys-bucket")) as store:
        for call in (store.ping(), store.put("files/x", b"x"), store.copy("a/x", "b/x")):
            with pytest.raises(Refusal):
                await call
