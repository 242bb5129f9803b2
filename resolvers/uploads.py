"""Uploads: from what a browser says of a file to one that a message may carry.

A browser puts the file under a key it was given a form for, as often as it
likes. Nothing there is ever trusted: it is copied to a key of which only we
know, and what is looked at, and kept, is the copy.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil

from resolvers import file_names, policy
from resolvers.access import access_channel
from resolvers.services import Services
from resolvers.viewer import Viewer
from storage import file_types, ids, uploads
from storage.errors import ErrorCode, Refusal, bad_input
from storage.file_types import FileKind
from storage.objects import FORMS, new_key
from storage.postgres import Transaction
from storage.signing import FORM_SECONDS, Form

MAX_DURATION = 7 * 86_400


@dataclass(frozen=True, slots=True)
class NewFile:
    """What a client says of a file it has."""

    channel_id: str
    file_name: str
    mime_type: str
    file_size: int
    duration_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Upload:
    """Where to put it."""

    attachment_id: str
    form: Form
    expires_at: datetime


async def create_upload(services: Services, viewer: Viewer, file: NewFile) -> Upload:
    """Let the viewer put one file, of this size and type, into the store.

    Raises UNAVAILABLE when the store would not take it, and RATE_LIMITED when
    too many of the viewer's wait for a message already.
    """
    file = _cleaned(services, file)
    access = await access_channel(services.database, viewer, file.channel_id)
    policy.require_post(viewer, access)
    await services.objects.ping()
    upload_id = ids.new_id()
    object_key = new_key(FORMS)
    expires_at = datetime.now(UTC) + timedelta(seconds=FORM_SECONDS)
    form = await services.objects.form(object_key, file.mime_type, file.file_size)
    # One person's wait for each other: not all of them on a connection to the database.
    async with (
        services.turns.of(viewer.id, "upload"),
        services.database.transaction() as transaction,
    ):
        await _make_room(transaction, viewer, services.rules.uploads.most_open)
        await uploads.insert(
            transaction,
            upload_id,
            channel_id=access.channel.id,
            uploader_id=viewer.id,
            object_key=object_key,
            file_name=file.file_name,
            file_size=file.file_size,
            mime_type=file.mime_type,
            duration_seconds=file.duration_seconds,
            form_ends_at=expires_at,
        )
    return Upload(upload_id, form, expires_at)


def _cleaned(services: Services, file: NewFile) -> NewFile:
    rules = services.rules.uploads
    file_name = file_names.cleaned(file.file_name)
    mime_type = file_types.meant(file.mime_type, file_name)
    if mime_type not in rules.types:
        raise bad_input("mimeType", "Files of this type cannot be sent.")
    file_names.require_agreement(file_name, mime_type)
    kind = file_types.kind(mime_type)
    most = rules.most_bytes[kind]
    if file.file_size < 1:
        raise bad_input("fileSize", "An empty file cannot be sent.")
    if file.file_size > most:
        raise bad_input("fileSize", f"This must not have more than {most:,} bytes.")
    if file.duration_seconds is not None:
        _require_duration(kind, file.duration_seconds)
    return NewFile(file.channel_id, file_name, mime_type, file.file_size, file.duration_seconds)


def _require_duration(kind: FileKind, seconds: int) -> None:
    if kind not in (FileKind.SOUND, FileKind.VIDEO):
        raise bad_input("durationSeconds", "Only sound and video last for a while.")
    if not 0 <= seconds <= MAX_DURATION:
        raise bad_input("durationSeconds", f"This must be between 0 and {MAX_DURATION:,}.")


async def _make_room(transaction: Transaction, viewer: Viewer, most: int) -> None:
    # Whoever drops what they were about to send must not have to wait for a day.
    await uploads.lock_person(transaction, viewer.id)
    waiting = await uploads.open_of(transaction, viewer.id)
    excess = waiting[: max(0, len(waiting) - most + 1)]
    if excess and excess[-1].seconds > 0:
        raise Refusal(
            ErrorCode.RATE_LIMITED,
            f"{most} files of yours are waiting to be sent in a message.",
            retry_after=ceil(excess[-1].seconds),
        )
    if excess:
        await uploads.delete(transaction, [upload.id for upload in excess])
