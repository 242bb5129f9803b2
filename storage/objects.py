"""The object store: files in S3, or in anything that speaks its protocol."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from secrets import token_urlsafe
from typing import Any, Self

import aioboto3
import aiohttp
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from storage.errors import unavailable
from storage.signing import Form, Signer

FORMS = "incoming"
FILES = "files"

COPY_SECONDS = 60.0
"""How long the store may be silent over a copy: it answers when it is done."""

CHUNK = 65_536


def new_key(folder: str) -> str:
    """A key that nobody can guess and that says nothing."""
    return f"{folder}/{token_urlsafe(24)}"


@dataclass(frozen=True, slots=True)
class ObjectStoreConfig:
    """Where the files are. Without keys, AWS's own chain of credentials is used."""

    bucket: str
    region: str
    endpoint_url: str | None = None
    public_url: str | None = None
    """The endpoint as clients reach it, when it is another one."""
    access_key_id: str | None = None
    secret_access_key: str | None = None
    path_style: bool = False
    """Whether the bucket is named in the path and not in the host."""
    timeout: float = 2.0


class ObjectStore:
    """The bucket. Signing needs no network call; everything else raises UNAVAILABLE.

    Browsers put files under keys of ``FORMS``, as often as they like while a form
    works. Keys of ``FILES`` are ours alone: what has been checked there stays as it is.
    """

    def __init__(
        self, bucket: str, client: Any, copier: Any, signer: Signer, timeout: float
    ) -> None:
        self._bucket = bucket
        self._client = client
        self._copier = copier
        self._signer = signer
        # For a request as a whole, so that whoever asked has an answer within the timeout,
        # with some to spare for what else they asked for:
        # the client's own ones are for each attempt, and know no end of waiting for a "go on".
        self._patience = 0.6 * timeout

    @classmethod
    @asynccontextmanager
    async def open(cls, config: ObjectStoreConfig) -> AsyncIterator[Self]:
        """The store, for as long as the block lasts. Opens no connection by itself."""
        session = aioboto3.Session(
            aws_access_key_id=config.access_key_id,
            aws_secret_access_key=config.secret_access_key,
            region_name=config.region,
        )
        async with AsyncExitStack() as stack:

            async def client(url: str | None, timeout: float) -> Any:
                options = _options(replace(config, timeout=timeout))
                return await stack.enter_async_context(
                    session.client("s3", endpoint_url=url, config=options)
                )

            ours = await client(config.endpoint_url, config.timeout)
            copier = await client(config.endpoint_url, max(config.timeout, COPY_SECONDS))
            theirs = ours
            if config.public_url and config.public_url != config.endpoint_url:
                theirs = await client(config.public_url, config.timeout)
            signer = Signer(session, theirs, config.bucket)
            yield cls(config.bucket, ours, copier, signer, config.timeout)

    def link(self, object_key: str, file_name: str, mime_type: str) -> str | Awaitable[str]:
        """A link to one object that works for five minutes; see ``Signer.link``."""
        return self._signer.link(object_key, file_name, mime_type)

    async def form(self, object_key: str, mime_type: str, size: int) -> Form:
        """A form to put one object that works for ten minutes; see ``Signer.form``."""
        return await self._signer.form(object_key, mime_type, size)

    async def size(self, object_key: str) -> int | None:
        """How many bytes are stored under this key, None when nothing is."""
        async with _reaching_s3(self._patience):
            try:
                answer = await self._client.head_object(Bucket=self._bucket, Key=object_key)
            except ClientError as error:
                if _is_missing(error):
                    return None
                raise
        size: int = answer["ContentLength"]
        return size

    async def first_bytes(self, object_key: str, count: int) -> bytes:
        """The first ``count`` bytes of an object that is not empty, or as many as it has."""
        async with _reaching_s3(self._patience):
            answer = await self._client.get_object(
                Bucket=self._bucket, Key=object_key, Range=f"bytes=0-{count - 1}"
            )
            async with answer["Body"] as response:
                # A store that knows no ranges sends everything.
                least = min(count, answer["ContentLength"])
                found: bytes = await response.content.readexactly(least)
                return found

    async def read(self, object_key: str) -> AsyncGenerator[bytes, None]:
        """All of an object, a chunk at a time."""
        async with _reaching_s3(None):
            answer = await self._client.get_object(Bucket=self._bucket, Key=object_key)
            async with answer["Body"] as response:
                async for chunk in response.content.iter_chunked(CHUNK):
                    yield chunk

    async def put(self, object_key: str, content: bytes) -> None:
        """Store an object of our own making."""
        async with _reaching_s3(self._patience):
            await self._client.put_object(
                Bucket=self._bucket, Key=object_key, Body=content, **_INERT
            )

    async def copy(self, source: str, target: str) -> bool:
        """Copy an object within the store; False when there is nothing to copy."""
        async with _reaching_s3(COPY_SECONDS):
            try:
                await self._copier.copy_object(
                    Bucket=self._bucket,
                    Key=target,
                    CopySource={"Bucket": self._bucket, "Key": source},
                    MetadataDirective="REPLACE",
                    **_INERT,
                )
            except ClientError as error:
                if _is_missing(error):
                    return False
                raise
        return True

    async def delete(self, object_keys: list[str]) -> list[str]:
        """Remove objects; answers the keys that are gone, which those are that never were."""
        # One by one: DeleteObjects needs a checksum that is one thing for AWS and
        # another for MinIO.
        gone = await asyncio.gather(*(self._delete(key) for key in object_keys))
        return [key for key, is_gone in zip(object_keys, gone, strict=True) if is_gone]

    async def _delete(self, object_key: str) -> bool:
        async with _reaching_s3(self._patience):
            try:
                await self._client.delete_object(Bucket=self._bucket, Key=object_key)
            except ClientError as error:
                return _is_missing(error)
        return True

    async def ping(self) -> None:
        """Return when the bucket answers."""
        async with _reaching_s3(self._patience):
            await self._client.head_bucket(Bucket=self._bucket)


_INERT = {"ContentType": "application/octet-stream", "ContentDisposition": "attachment"}
"""What an object is to whoever gets at it without one of our links."""


def _options(config: ObjectStoreConfig) -> Config:
    return Config(
        signature_version="s3v4",
        connect_timeout=min(config.timeout, 2.0),
        read_timeout=config.timeout,
        retries={"total_max_attempts": 2},
        # "auto" signs for one host for all regions, which sends a browser's form elsewhere.
        s3={"addressing_style": "path" if config.path_style else "virtual"},
        # Not every S3 knows the newest checksums.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )


@asynccontextmanager
async def _reaching_s3(seconds: float | None) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except (BotoCoreError, ClientError, aiohttp.ClientError, asyncio.IncompleteReadError) as error:
        raise unavailable("s3") from error
    except OSError as error:
        raise unavailable("s3") from error


def _is_missing(error: ClientError) -> bool:
    return error.response.get("Error", {}).get("Code") in {"404", "NoSuchKey", "NotFound"}
