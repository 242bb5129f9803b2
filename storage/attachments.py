"""Attachments: the SQL. The bytes are in the object store."""

from storage.postgres import Connection, Transaction
from storage.records import AttachmentRecord

COLUMNS = """
    id::text, message_id::text, uploader_id, object_key, file_name, file_size, mime_type,
    width, height, duration_seconds, completed_at, thumbnail_key
"""

GET = f"""
select {COLUMNS}
  from attachments
 where id = $1
   and completed_at is not null
"""

# Served by attachments_message.
BY_MESSAGES = f"""
select {COLUMNS}
  from attachments
 where message_id = any($1::uuid[])
 order by message_id, number
"""

# Only checked uploads of the sender's own, of this channel, that no message carries.
ATTACH = """
update attachments a
   set message_id = $1,
       number     = wanted.number
  from unnest($2::uuid[]) with ordinality as wanted (id, number)
 where a.id = wanted.id
   and a.channel_id = $3
   and a.uploader_id = $4
   and a.completed_at is not null
   and a.message_id is null
returning a.id
"""


async def get(connection: Connection, attachment_id: str) -> AttachmentRecord | None:
    """A file that has been checked, whether a message carries it or not."""
    row = await connection.fetchrow(GET, attachment_id)
    return None if row is None else AttachmentRecord(*row)


async def by_messages(connection: Connection, ids: list[str]) -> dict[str, list[AttachmentRecord]]:
    """The files of each message, in the order the sender gave."""
    found: dict[str, list[AttachmentRecord]] = {}
    for row in await connection.fetch(BY_MESSAGES, ids):
        found.setdefault(row["message_id"], []).append(AttachmentRecord(*row))
    return found


async def attach(
    transaction: Transaction, message_id: str, ids: list[str], *, channel_id: str, uploader_id: str
) -> bool:
    """Give the message these files; False when any of them cannot be had."""
    rows = await transaction.fetch(ATTACH, message_id, ids, channel_id, uploader_id)
    return len(rows) == len(ids)
