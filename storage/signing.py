"""Signed links and forms: what lets a browser at one object, for a while, and at nothing else.

Nobody is asked for a signature: it is computed. Only where AWS's own chain of
credentials is used, and gives some that expire, new ones are fetched now and then.
"""

from collections.abc import Awaitable, Callable, Coroutine, Generator
from time import monotonic
from typing import Any, NamedTuple
from urllib.parse import quote

from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError, NoCredentialsError

from storage.errors import unavailable
from storage.file_types import is_inline

URL_SECONDS = 300
"""How long a signed link works."""

FORM_SECONDS = 600
"""How long a browser may begin to send what a signed form is for."""

CREDENTIALS_SECONDS = 60.0
"""How long credentials are used before we look whether there are newer ones. Those that
expire are renewed ten minutes earlier.
"""

MAX_NAME_BYTES = 255
"""What file systems take; a longer name is cut, but for its ending."""


class Form(NamedTuple):
    """What a browser posts, and where to, before the file itself."""

    url: str
    fields: dict[str, str]


class Signer:
    """Signs for one bucket, as clients reach it. Raises UNAVAILABLE without credentials."""

    def __init__(self, session: Any, client: Any, bucket: str) -> None:
        self._session = session
        self._client = client
        self._bucket = bucket
        self._base = ""
        self._credentials: Any = None
        self._looked_at = -CREDENTIALS_SECONDS

    def link(self, object_key: str, file_name: str, mime_type: str) -> str | Awaitable[str]:
        """A link to one object that says how to treat the file: what may not be shown in
        place is saved under its name, and is nothing but bytes.
        """
        inline = is_inline(mime_type)
        headers = {
            "response-content-type": mime_type if inline else "application/octet-stream",
            "response-content-disposition": content_disposition(file_name, inline=inline),
        }
        if monotonic() >= self._looked_at + CREDENTIALS_SECONDS:
            return _Later(lambda: self._signed_later(object_key, headers))
        return self._signed(object_key, headers)

    async def form(self, object_key: str, mime_type: str, size: int) -> Form:
        """A form for exactly this key, this type and this many bytes."""
        await self._look_up()
        form = await self._client.generate_presigned_post(
            self._bucket,
            object_key,
            Fields={"Content-Type": mime_type},
            Conditions=[{"Content-Type": mime_type}, ["content-length-range", size, size]],
            ExpiresIn=FORM_SECONDS,
        )
        return Form(form["url"], form["fields"])

    def _signed(self, object_key: str, headers: dict[str, str]) -> str:
        # generate_presigned_url does the same, at seven times the cost: it looks for the
        # endpoint anew for every link, and a page of messages can have a hundred.
        request = AWSRequest("GET", self._base + object_key, params=headers)
        region = self._client.meta.region_name
        S3SigV4QueryAuth(self._credentials, "s3", region, expires=URL_SECONDS).add_auth(request)
        url: str = request.url
        return url

    async def _signed_later(self, object_key: str, headers: dict[str, str]) -> str:
        await self._look_up()
        return self._signed(object_key, headers)

    async def _look_up(self) -> None:
        try:
            credentials = await self._session.get_credentials()
            if credentials is None:
                raise NoCredentialsError
            self._credentials = await credentials.get_frozen_credentials()
            nothing = {"Bucket": self._bucket, "Key": "x"}
            url = await self._client.generate_presigned_url("get_object", nothing)
        except (BotoCoreError, OSError) as error:
            raise unavailable("s3") from error
        self._base = url.partition("?")[0].removesuffix("x")
        self._looked_at = monotonic()


class _Later(Awaitable[str]):
    """A promise that may be forgotten: nothing begins before somebody waits for it."""

    def __init__(self, begin: Callable[[], Coroutine[Any, Any, str]]) -> None:
        self._begin = begin

    def __await__(self) -> Generator[Any, Any, str]:
        return self._begin().__await__()


def content_disposition(file_name: str, *, inline: bool) -> str:
    """The header for a file of this name, whatever is in it (RFC 6266, RFC 8187)."""
    name = "".join(c for c in file_name if c.isprintable() or c in "\u200c\u200d")
    name = _cut(name.replace("/", "_").replace("\\", "_").replace('"', "'")) or "file"
    plain = name.encode("ascii", "replace").decode().replace("?", "_").replace("%", "_")
    kind = "inline" if inline else "attachment"
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _cut(name: str) -> str:
    excess = len(name.encode()) - MAX_NAME_BYTES
    if excess <= 0:
        return name
    stem, dot, ending = name.rpartition(".")
    if not stem or len(ending) > 20:
        stem, dot, ending = name, "", ""
    return stem.encode()[:-excess].decode(errors="ignore") + dot + ending
