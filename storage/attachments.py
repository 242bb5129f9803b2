"""Attachments: the SQL. The bytes are in the object store."""

from storage.postgres import Connection, Transaction
from storage.records import AttachmentRecord

COLUMNS = """
    id::text, message_id::text, uploader_id, object_key, file_name, file_size, mime_type,
    width, height, duration_seconds, completed_at
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

NEXT_REMOVALS = """
select object_key
  from removals
 order by asked_at
 limit $1
"""

REMOVED = """
delete from removals
 where object_key = any($1::text[])
"""


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


async def next_removals(connection: Connection, limit: int) -> list[str]:
    """Keys of stored objects that no message carries any more, the longest waiting first."""
    return [row[0] for row in await connection.fetch(NEXT_REMOVALS, limit)]


async def removed(connection: Connection, object_keys: list[str]) -> None:
    """These objects are gone from the store."""
    await connection.execute(REMOVED, object_keys)
