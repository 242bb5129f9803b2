"""Sidebars: whose own has changed, and where. The SQL.

A channel's log tells everybody in it what happens there. What is a person's
own (that they are in it, their read marker, their preferences) is told to
nobody else, and has a revision of its own, one for each person: whoever knows
it can ask cheaply whether there is anything new.
"""

from collections.abc import Iterable
from functools import partial

from storage.postgres import Connection, Transaction
from storage.records import Own

# The database's own function (in the migrations): nobody sees or sets another's revision.
BUMP = """
select user_id, revision
  from touch_sidebars($1)
"""

REVISIONS = """
select user_id, revision
  from sidebars
 where user_id = any($1::text[])
"""


def touch(transaction: Transaction, channel_id: str, user_ids: Iterable[str]) -> None:
    """Something of these people's own has changed in a channel, in this transaction.

    It is told to their inboxes, on every server, once it is committed.
    """
    if transaction.before_commit is None:
        transaction.before_commit = partial(_bump, transaction)
    for user_id in user_ids:
        transaction.touched.setdefault(user_id, set()).add(channel_id)


async def _bump(transaction: Transaction) -> None:
    # Last of all, and once: rows that many share are not to be held for long.
    rows = await transaction.fetch(BUMP, list(transaction.touched))
    transaction.own = [
        Own(user_id, revision, sorted(transaction.touched[user_id])) for user_id, revision in rows
    ]


async def revisions(connection: Connection, user_ids: list[str]) -> dict[str, int]:
    """How often each person's own has changed; who is not named has never been touched."""
    return {row[0]: row[1] for row in await connection.fetch(REVISIONS, user_ids)}
