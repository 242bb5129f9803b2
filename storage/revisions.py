"""Revisions: the earlier texts of messages, the SQL."""

from storage.postgres import Connection
from storage.records import RevisionRecord

# Served by the primary key.
BY_MESSAGES = """
select message_id::text, content, edited_at
  from revisions
 where message_id = any($1::uuid[])
 order by message_id, number
"""


async def by_messages(connection: Connection, ids: list[str]) -> dict[str, list[RevisionRecord]]:
    """The earlier texts of each message, oldest first."""
    found: dict[str, list[RevisionRecord]] = {}
    for row in await connection.fetch(BY_MESSAGES, ids):
        found.setdefault(row["message_id"], []).append(RevisionRecord(*row))
    return found
