"""Files, and their way into a message as a browser takes it: three requests, one of them to S3."""

import io
import zipfile
from dataclasses import dataclass
from typing import Any

import httpx
from PIL import Image

from tests.operations import do
from tests.world import PLAIN, Person, World

ATTACHMENT = """{
  id fileName fileSize mimeType width height durationSeconds url thumbnailUrl
  uploader { id } uploadedAt
}"""

PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj <<>> endobj\n"
HTML = b"<!doctype html><script>alert(document.domain)</script>"
SVG = (
    b'<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30">'
    b'<path d="M0 0h40v30z" fill="red"/></svg>'
)
MP4 = b"\0\0\0\x18ftypisom\0\0\2\0isomiso2avc1mp41" + b"\0" * 64
MP3 = b"ID3\x03\0\0\0\0\0\x0a" + b"\0" * 64


def picture(format: str = "PNG", size: tuple[int, int] = (64, 48), **options: Any) -> bytes:
    """A picture of one colour."""
    mode = options.pop("mode", "RGB")
    written = io.BytesIO()
    Image.new(mode, size, options.pop("color", 0)).save(written, format, **options)
    return written.getvalue()


def archive(*names: str) -> bytes:
    """A zip with these entries."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as file:
        for name in names:
            file.writestr(name, f"{name} " * 20)
    return written.getvalue()


@dataclass(frozen=True)
class Form:
    """What ``createUpload`` answers."""

    attachment_id: str
    url: str
    fields: dict[str, str]
    expires_at: str

    @property
    def key(self) -> str:
        """Where in the bucket the file goes."""
        return self.fields["key"]

    async def post(self, content: bytes, name: str = "file", type: str | None = None) -> None:
        """Send the file as a browser does: the fields in order, then the file."""
        type = type or self.fields["Content-Type"]
        async with httpx.AsyncClient(verify=PLAIN) as browser:
            response = await browser.post(
                self.url, data=self.fields, files={"file": (name, content, type)}
            )
        assert response.status_code == 204, response.text


async def begin(
    person: Person,
    channel_id: str,
    content: bytes = PDF,
    name: str = "plan.pdf",
    type: str = "application/pdf",
    **more: Any,
) -> Form:
    """Ask for a form for this file."""
    answer = await do(
        person,
        "createUpload",
        "{ attachmentId url expiresAt fields { name value } }",
        input=described(channel_id, content, name, type, **more),
    )
    return Form(
        answer["attachmentId"],
        answer["url"],
        {field["name"]: field["value"] for field in answer["fields"]},
        answer["expiresAt"],
    )


def described(
    channel_id: str,
    content: bytes = PDF,
    name: str = "plan.pdf",
    type: str = "application/pdf",
    **more: Any,
) -> dict[str, Any]:
    """What a browser says of a file."""
    return {
        "channelId": channel_id,
        "fileName": name,
        "mimeType": type,
        "fileSize": len(content),
        **more,
    }


async def finish(person: Person, attachment_id: str) -> Any:
    """Have the file checked; what is known of it then."""
    answer = await do(
        person, "completeUpload", f"{{ attachment {ATTACHMENT} }}", attachmentId=attachment_id
    )
    return answer["attachment"]


async def upload(
    person: Person,
    channel_id: str,
    content: bytes = PDF,
    name: str = "plan.pdf",
    type: str = "application/pdf",
    **more: Any,
) -> Any:
    """All three steps; the attachment."""
    form = await begin(person, channel_id, content, name, type, **more)
    await form.post(content, name)
    return await finish(person, form.attachment_id)


async def download(url: str) -> httpx.Response:
    """What a browser gets by a link, without being anybody."""
    async with httpx.AsyncClient(verify=PLAIN) as browser:
        return await browser.get(url)


async def keys_in(world: World) -> set[str]:
    """Every key in the world's bucket."""
    client = world.services.objects._client
    answer = await client.list_objects_v2(Bucket=world.settings.s3_bucket)
    return {found["Key"] for found in answer.get("Contents", [])}
