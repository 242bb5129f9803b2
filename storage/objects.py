"""The object store: files in S3, or in anything that speaks its protocol."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import quote

import aioboto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from storage.errors import unavailable

URL_SECONDS = 300
"""How long a signed link works."""

INLINE_TYPES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"})
"""The only types a browser may show in place; everything else it might run is downloaded."""


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
    timeout: float = 2.0


class ObjectStore:
    """The bucket. Signing needs no network call; everything else raises UNAVAILABLE."""

    def __init__(self, config: ObjectStoreConfig, client: Any, signer: Any) -> None:
        self._bucket = config.bucket
        self._client = client
        self._signer = signer

    @classmethod
    @asynccontextmanager
    async def open(cls, config: ObjectStoreConfig) -> AsyncIterator[Self]:
        """The store, for as long as the block lasts. Opens no connection by itself."""
        session = aioboto3.Session(
            aws_access_key_id=config.access_key_id,
            aws_secret_access_key=config.secret_access_key,
            region_name=config.region,
        )
        options = Config(
            signature_version="s3v4",
            connect_timeout=config.timeout,
            read_timeout=config.timeout,
            retries={"max_attempts": 1},
            s3={"addressing_style": "path" if config.path_style else "auto"},
        )
        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(
                session.client("s3", endpoint_url=config.endpoint_url, config=options)
            )
            signer = client
            if config.public_url and config.public_url != config.endpoint_url:
                signer = await stack.enter_async_context(
                    session.client("s3", endpoint_url=config.public_url, config=options)
                )
            yield cls(config, client, signer)

    async def download_url(self, object_key: str, file_name: str, mime_type: str) -> str:
        """A link to one object that works for five minutes and says how to treat the file."""
        inline = mime_type in INLINE_TYPES
        url: str = await self._signer.generate_presigned_url(
            "get_object",
            Params={
                "Bucket": self._bucket,
                "Key": object_key,
                "ResponseContentType": mime_type if inline else "application/octet-stream",
                "ResponseContentDisposition": content_disposition(file_name, inline=inline),
            },
            ExpiresIn=URL_SECONDS,
        )
        return url

    async def delete(self, object_keys: list[str]) -> list[str]:
        """Remove up to 1,000 objects; answers the keys that are gone. Raises UNAVAILABLE."""
        try:
            answer = await self._client.delete_objects(
                Bucket=self._bucket,
                Delete={"Objects": [{"Key": key} for key in object_keys], "Quiet": True},
            )
        except (BotoCoreError, ClientError, OSError) as error:
            raise unavailable("s3") from error
        failed = {error["Key"] for error in answer.get("Errors", [])}
        return [key for key in object_keys if key not in failed]

    async def ping(self) -> None:
        """Return when the bucket answers. Raises UNAVAILABLE."""
        try:
            await self._client.head_bucket(Bucket=self._bucket)
        except (BotoCoreError, ClientError, OSError) as error:
            raise unavailable("s3") from error


def content_disposition(file_name: str, *, inline: bool) -> str:
    """The header for a file of this name, whatever is in it (RFC 6266, RFC 8187)."""
    name = "".join(c for c in file_name if c.isprintable() and c not in '/\\"') or "file"
    plain = name.encode("ascii", "replace").decode().replace("?", "_")
    kind = "inline" if inline else "attachment"
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
