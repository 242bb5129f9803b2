"""Uploads: attachments that no message carries yet, the SQL."""

from datetime import datetime

from storage.postgres import Connection, Transaction
from storage.records import OpenUploadRecord, UploadRecord

# One person's uploads are counted by one transaction at a time. The lock is the
# transaction's own: it is given back with it, and a pooler in between does not matter.
LOCK_PERSON = """
select pg_advisory_xact_lock(hashtextextended('uploads ' || $1, 0))
"""

# What is not finished may go once its form is of no use; what is finished waits
# an hour for the message that is being written.
OPEN = """
select id::text,
       extract(epoch from
               coalesce(completed_at + interval '1 hour', form_ends_at, created_at) - now()
              )::float8
  from attachments
 where uploader_id = $1
   and message_id is null
 order by 2
   for update skip locked
"""

INSERT = """
insert into attachments
       (id, channel_id, uploader_id, object_key, file_name, file_size, mime_type,
        duration_seconds, form_ends_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""

GET = """
select id::text, channel_id::text, object_key, file_size, mime_type,
       completed_at is not null
  from attachments
 where id = $1
   and uploader_id = $2
"""

# The object under the form's key is only a copy now. It is removed when nobody
# can put it back any more.
COMPLETE = """
with checked as (
    select id, object_key, form_ends_at
      from attachments
     where id = $1
       and completed_at is null
       for update
), doomed as (
    insert into removals (object_key, due_at)
    select object_key, greatest(now(), form_ends_at + interval '1 hour')
      from checked
)
update attachments a
   set object_key    = $2,
       thumbnail_key = $3,
       width         = $4,
       height        = $5,
       completed_at  = now()
  from checked
 where a.id = checked.id
returning a.id
"""

DELETE = """
delete from attachments
 where id = any($1::uuid[])
   and message_id is null
"""

DELETE_UNFIT = """
delete from attachments
 where id = $1
   and completed_at is null
"""

# Served by attachments_forgotten.
DELETE_FORGOTTEN = """
delete from attachments
 where id in (
    select id
      from attachments
     where message_id is null
       and created_at < now() - interval '24 hours'
     order by created_at
     limit $1
       for update skip locked
 )
"""


async def lock_person(transaction: Transaction, uploader_id: str) -> None:
    """Wait until nobody else begins an upload for this person."""
    await transaction.execute(LOCK_PERSON, uploader_id)


async def open_of(transaction: Transaction, uploader_id: str) -> list[OpenUploadRecord]:
    """The person's open uploads, those first that may give way to another first."""
    return [OpenUploadRecord(*row) for row in await transaction.fetch(OPEN, uploader_id)]


async def insert(
    connection: Connection,
    upload_id: str,
    *,
    channel_id: str,
    uploader_id: str,
    object_key: str,
    file_name: str,
    file_size: int,
    mime_type: str,
    duration_seconds: int | None,
    form_ends_at: datetime,
) -> None:
    """Expect a file under this key."""
    await connection.execute(
        INSERT,
        upload_id,
        channel_id,
        uploader_id,
        object_key,
        file_name,
        file_size,
        mime_type,
        duration_seconds,
        form_ends_at,
    )


async def get(connection: Connection, upload_id: str, uploader_id: str) -> UploadRecord | None:
    """An upload of this person's, finished or not, carried by a message or not."""
    row = await connection.fetchrow(GET, upload_id, uploader_id)
    return None if row is None else UploadRecord(*row)


async def complete(
    transaction: Transaction,
    upload_id: str,
    *,
    object_key: str,
    thumbnail_key: str | None,
    width: int | None,
    height: int | None,
) -> bool:
    """The file under ``object_key`` is the checked one; False when the upload is complete
    already, or is gone.
    """
    row = await transaction.fetchrow(COMPLETE, upload_id, object_key, thumbnail_key, width, height)
    return row is not None


async def delete(connection: Connection, upload_ids: list[str]) -> None:
    """Forget uploads that no message carries; their objects are listed for removal."""
    await connection.execute(DELETE, upload_ids)


async def delete_unfit(connection: Connection, upload_id: str) -> None:
    """The same for one whose file is not what was announced. Once it is complete it stays:
    the file that was looked at then is another one.
    """
    await connection.execute(DELETE_UNFIT, upload_id)


async def delete_forgotten(connection: Connection, limit: int) -> int:
    """The same for those that are more than a day old; answers how many there were."""
    return int((await connection.execute(DELETE_FORGOTTEN, limit)).removeprefix("DELETE "))
