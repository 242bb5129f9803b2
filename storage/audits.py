"""Audits: the SQL. Who looked into what is private without being in it; never read by us."""

from enum import StrEnum

from storage.postgres import Connection

RECORD = """
insert into audits (actor_id, action, channel_id, message_id)
values ($1, $2, $3, $4)
"""


class Look(StrEnum):
    """What somebody did to see what they are not in."""

    READ_CHANNEL = "READ_CHANNEL"
    READ_MESSAGE = "READ_MESSAGE"
    FOLLOW_CHANNEL = "FOLLOW_CHANNEL"


async def record(
    connection: Connection,
    actor_id: str,
    look: Look,
    *,
    channel_id: str,
    message_id: str | None = None,
) -> None:
    """Write down a look. Within a transaction it stays only if the transaction does."""
    await connection.execute(RECORD, actor_id, look, channel_id, message_id)
