"""Checking what a browser has put into the store, before anybody gets to see it."""

import asyncio
from contextlib import suppress

from resolvers import policy
from resolvers.access import access_upload
from resolvers.services import Services
from resolvers.viewer import Viewer
from storage import attachments, first_bytes, removals, uploads
from storage.errors import Refusal, bad_input, conflict, not_found, unavailable
from storage.file_types import is_picture
from storage.objects import FILES, ObjectStore, new_key
from storage.pictures import Picture, UnfitPictureError
from storage.records import AttachmentRecord, UploadRecord

MAX_SECONDS = 120.0
"""How long a check may take, waiting included. Far less than what ``removals.expect`` allows."""


class _UnfitError(Exception):
    """The file is not what was announced; the message is for its sender."""


async def complete_upload(services: Services, viewer: Viewer, upload_id: str) -> AttachmentRecord:
    """Check a file of the viewer's; only then can a message carry it.

    Done again, it returns the same. Raises CONFLICT when there is no file yet.
    A file that is not what was announced is removed: BAD_USER_INPUT.
    """
    try:
        async with asyncio.timeout(MAX_SECONDS), services.turns.of(viewer.id, "check"):
            upload, access = await access_upload(services.database, viewer, upload_id)
            if not upload.is_complete:
                policy.require_post(viewer, access)
                await _complete(services, upload)
    except TimeoutError as error:
        raise unavailable("s3") from error
    found = await attachments.get(services.database, upload.id)
    if found is None:
        raise not_found("upload", "attachmentId")
    return found


async def _complete(services: Services, upload: UploadRecord) -> None:
    size = await services.objects.size(upload.object_key)
    if size is None:
        raise _nothing_there()
    file_key = new_key(FILES)
    thumbnail_key = new_key(FILES) if is_picture(upload.mime_type) else None
    keys = [key for key in (file_key, thumbnail_key) if key]
    await removals.expect(services.database, keys)
    try:
        if size != upload.file_size:
            raise _UnfitError("The file has not the size that was announced.")
        picture = await _checked(services, upload, file_key, thumbnail_key)
    except _UnfitError as error:
        await uploads.delete_unfit(services.database, upload.id)
        await _remove(services.objects, [upload.object_key, *keys])
        raise bad_input("attachmentId", str(error)) from None
    if picture.thumbnail is None:
        thumbnail_key = None
    if await _write(services, upload, file_key, thumbnail_key, picture):
        await _remove(services.objects, [upload.object_key])


async def _checked(
    services: Services, upload: UploadRecord, file_key: str, thumbnail_key: str | None
) -> Picture:
    objects = services.objects
    if not await objects.copy(upload.object_key, file_key):
        raise _nothing_there()
    # Only now does nobody change it any more: what was said of the size was another's.
    if await objects.size(file_key) != upload.file_size:
        raise _UnfitError("The file has not the size that was announced.")
    head = await objects.first_bytes(file_key, first_bytes.COUNT)
    if not first_bytes.are_of(upload.mime_type, head):
        raise _UnfitError(f"The file is not {upload.mime_type}.")
    if thumbnail_key is None:
        return Picture(None, None, None)
    try:
        picture = await services.pictures.look(upload.mime_type, objects.read(file_key))
    except UnfitPictureError as error:
        raise _UnfitError(str(error)) from None
    if picture.thumbnail is not None:
        await objects.put(thumbnail_key, picture.thumbnail)
    return picture


async def _write(
    services: Services,
    upload: UploadRecord,
    file_key: str,
    thumbnail_key: str | None,
    picture: Picture,
) -> bool:
    async with services.database.transaction() as transaction:
        # Somebody may have been faster, or the upload may be gone; then the copy goes too.
        written = await uploads.complete(
            transaction,
            upload.id,
            object_key=file_key,
            thumbnail_key=thumbnail_key,
            width=picture.width,
            height=picture.height,
        )
        if written and not await removals.keep(
            transaction, [key for key in (file_key, thumbnail_key) if key]
        ):
            raise unavailable("s3")
        return written


async def _remove(objects: ObjectStore, keys: list[str]) -> None:
    # At once where that is possible; all of them are on the list of removals as well.
    with suppress(Refusal):
        await objects.delete(keys)


def _nothing_there() -> Refusal:
    return conflict("There is no file yet: post it with the form first.", "attachmentId")
