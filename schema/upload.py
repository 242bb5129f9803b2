"""Files on their way into messages."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import strawberry

from resolvers import upload_checks, uploads
from resolvers.uploads import NewFile
from schema.context import Info
from schema.message import Attachment
from storage.records import AttachmentRecord


@strawberry.input
class CreateUploadInput:
    channel_id: strawberry.ID
    file_name: str
    mime_type: str
    file_size: int = strawberry.field(description="Bytes.")
    duration_seconds: int | None = strawberry.field(
        default=None, description="Seconds, for sound and video, if the client knows."
    )


@strawberry.type
class UploadField:
    name: str
    value: str


@strawberry.type
class UploadPayload:
    attachment_id: strawberry.ID
    url: str = strawberry.field(
        description="POST here as multipart/form-data: the fields in order, then the file as "
        "`file`."
    )
    fields: list[UploadField]
    expires_at: datetime


@strawberry.type
class AttachmentPayload:
    attachment: Attachment


class FormField(NamedTuple):
    """One field of a form."""

    name: str
    value: str


class Prepared(NamedTuple):
    """Where and how to put a file."""

    attachment_id: str
    url: str
    fields: list[FormField]
    expires_at: datetime


class Checked(NamedTuple):
    """A file that a message may carry."""

    attachment: AttachmentRecord


async def create_upload(info: Info, input: CreateUploadInput) -> Prepared:
    """Mutation.createUpload."""
    file = NewFile(
        channel_id=input.channel_id,
        file_name=input.file_name,
        mime_type=input.mime_type,
        file_size=input.file_size,
        duration_seconds=input.duration_seconds,
    )
    context = info.context
    upload = await uploads.create_upload(context.services, context.viewer, file)
    fields = [FormField(name, value) for name, value in upload.form.fields.items()]
    return Prepared(upload.attachment_id, upload.form.url, fields, upload.expires_at)


async def complete_upload(info: Info, attachment_id: strawberry.ID) -> Checked:
    """Mutation.completeUpload."""
    context = info.context
    return Checked(
        await upload_checks.complete_upload(context.services, context.viewer, attachment_id)
    )
