"""Rates: what is left of each limit on how often something may be done, the SQL.

A token bucket for each kind and each who: it holds the limit, and fills up again
within a minute.
"""

from typing import NamedTuple

from storage.postgres import Connection

_REST = "least($3::int, r.rest + $3 * greatest(0, extract(epoch from now() - r.at)) / 60)"
"""What is left now: a transaction that began earlier may have to wait for a later one."""

# The row is found by the table's primary key; its lock makes callers queue for the
# length of this one statement.
TAKE = f"""
insert into rates as r (kind, who, at, rest, granted)
values ($1, $2, now(), $3::int - least($3::int, $4::int), least($3::int, $4::int))
    on conflict (kind, who) do update
   set at      = greatest(r.at, now()),
       rest    = {_REST} - least($4, floor({_REST})),
       granted = least($4, floor({_REST}))
returning granted, rest
"""

# Not served by an index: only those who did much in the last minute are in the table.
FORGET = """
delete from rates
 where at < now() - interval '1 minute'
"""


class Granted(NamedTuple):
    """How many may be done, and the seconds until there is one more."""

    many: int
    wait: float


async def take(connection: Connection, kind: str, who: str, per_minute: int, count: int) -> Granted:
    """Take ``count`` of what ``who`` has left, or as many as there are."""
    row = await connection.fetchrow(TAKE, kind, who, per_minute, count)
    assert row is not None, "inserted or updated"
    return Granted(row["granted"], max(0.0, 1 - row["rest"]) * 60 / per_minute)


async def forget(connection: Connection) -> None:
    """Drop what has filled up again: it says as much as nothing."""
    await connection.execute(FORGET)
