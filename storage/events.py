"""The log: what happened in each channel, in order, and the bell that says so.

Every channel has its own gapless positions, given out under the lock on its
row, so the order of positions is the order of commits and a reader who has
seen position n has seen everything up to n. NOTIFY carries ids and positions
only: it is a wake-up, and the log is the truth.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, NamedTuple

import orjson

from storage import ids, messages
from storage.postgres import Connection, Transaction
from storage.records import EventRecord, MessageRecord, Own

NOTIFY_CHANNEL = "backchannel"

MAX_PAYLOAD_BYTES = 7_900
"""PostgreSQL refuses 8,000 and more."""

APPEND = """
with moved as (
    update channels
       set position = position + $3
     where id = $1
    returning position
)
insert into events (channel_id, position, kind, actor_id, message_id, user_id, detail)
select $1,
       moved.position - $3 + what.number,
       $2, $4, $5, what.user_id, $7
  from moved
 cross join unnest($6::text[]) with ordinality as what (user_id, number)
returning position
"""

# Served by the primary key: one range of the log for each channel asked for.
READ_AFTER = f"""
select e.channel_id::text, c.epoch, e.position, e.kind, e.actor_id, e.message_id::text,
       e.user_id, e.detail, e.occurred_at,
       {messages.COLUMNS}
  from unnest($1::uuid[], $2::bigint[]) as wanted (channel_id, position)
  join channels c on c.id = wanted.channel_id
 cross join lateral (
        select *
          from events
         where channel_id = wanted.channel_id
           and position > wanted.position
         order by position
         limit $3
       ) as e
  left join messages m on m.id = e.message_id and m.channel_id = e.channel_id
 order by e.channel_id, e.position
"""

HEADS = """
select id::text, epoch, position
  from channels
 where id = any($1::uuid[])
"""

# Served by events_occurred. Those whom another process is about to delete are left to it.
TRIM = """
with old as (
    select channel_id, position
      from events
     where occurred_at < now() - $1::interval
     limit $2
       for update skip locked
)
delete from events e
 using old
 where e.channel_id = old.channel_id
   and e.position = old.position
"""

NOTIFY = f"select pg_notify('{NOTIFY_CHANNEL}', payload) from unnest($1::text[]) as payload"

_WIDTH = len(EventRecord._fields) - 1


class Head(NamedTuple):
    """The newest place of a log."""

    epoch: int
    position: int


class Moved(NamedTuple):
    """A hint: this channel's log has reached at least this position."""

    channel_id: str
    position: int


class Typed(NamedTuple):
    """Somebody began or stopped to type; told once, stored nowhere."""

    channel_id: str
    user_id: str
    is_typing: bool
    age: int = 0
    """Milliseconds since it was said."""

    def concerns(self, viewer_id: str) -> bool:
        """Whether this viewer is told: everybody knows of their own."""
        return viewer_id != self.user_id


class Seen(NamedTuple):
    """A hint: this person may have read on in this channel."""

    channel_id: str
    user_id: str


class Present(NamedTuple):
    """A hint: a person may be shown as something else than before."""

    user_id: str


class DirectoryChanged(NamedTuple):
    """A hint: the directory says something else of a person; None: perhaps of everybody."""

    user_id: str | None


class Echo(NamedTuple):
    """A listener's question to itself: does this line still carry anything?"""

    token: str


Hint = Moved | Typed | Seen | Own | Present | DirectoryChanged | Echo


async def append(
    transaction: Transaction,
    channel_id: str,
    kind: str,
    *,
    actor_id: str | None,
    message_id: str | None = None,
    user_ids: Iterable[str | None] = (None,),
    detail: str | None = None,
) -> None:
    """Write one event for each of ``user_ids``; the caller holds the channel's lock."""
    users = list(user_ids)
    if not users:
        return
    rows = await transaction.fetch(
        APPEND, channel_id, kind, len(users), actor_id, message_id, users, detail
    )
    transaction.moved[channel_id] = max(row[0] for row in rows)


async def read_after(
    connection: Connection, places: Mapping[str, int], limit: int
) -> list[EventRecord]:
    """Up to ``limit`` events of each channel after its position, in order, in one statement."""
    rows = await connection.fetch(READ_AFTER, list(places), list(places.values()), limit)
    return [_event(row) for row in rows]


async def heads(connection: Connection, channel_ids: list[str]) -> dict[str, Head]:
    """Where each channel's log stands."""
    return {row[0]: Head(*row[1:]) for row in await connection.fetch(HEADS, channel_ids)}


async def trim(connection: Connection, age: timedelta, limit: int) -> int:
    """Delete up to ``limit`` events older than ``age``; answers how many there were."""
    tag = await connection.execute(TRIM, age, limit)
    return int(tag.rpartition(" ")[2])


async def notify(connection: Connection, hints: Iterable[Hint]) -> None:
    """Ring the bell for every listener on this database, with as few notifications as fit."""
    await connection.execute(NOTIFY, list(_payloads(hints)))


def _payloads(hints: Iterable[Hint]) -> Iterable[str]:
    batch: list[bytes] = []
    size = 2
    for hint in hints:
        part = orjson.dumps([type(hint).__name__[0], *hint])
        if size + len(part) + 1 > MAX_PAYLOAD_BYTES:
            yield f"[{b','.join(batch).decode()}]"
            batch, size = [], 2
        batch.append(part)
        size += len(part) + 1
    if batch:
        yield f"[{b','.join(batch).decode()}]"


def heard(payload: str) -> list[Hint]:
    """The hints in a notification.

    Raises ValueError for a payload that is not one of ours: anybody who may
    log in to the database can notify.
    """
    parts = orjson.loads(payload)
    if not isinstance(parts, list):
        raise ValueError("not a list of hints")
    return [_hint(part) for part in parts]


def _hint(part: Any) -> Hint:
    match part:
        case ["M", str(channel_id), int(position)] if not isinstance(position, bool):
            return Moved(channel_id, position)
        case ["T", str(channel_id), str(user_id), bool(is_typing), int(age)] if (
            ids.user_id(user_id) and age >= 0
        ):
            return Typed(channel_id, user_id, is_typing, age)
        case ["S", str(channel_id), str(user_id)]:
            return Seen(channel_id, user_id)
        case ["O", str(user_id), int(revision), list(channel_ids)] if not isinstance(
            revision, bool
        ) and all(isinstance(id, str) for id in channel_ids):
            return Own(user_id, revision, channel_ids)
        case ["P", str(user_id)]:
            return Present(user_id)
        case ["D", str() | None as user_id]:
            return DirectoryChanged(user_id)
        case ["E", str(token)]:
            return Echo(token)
    raise ValueError("not a hint")


def _event(row: Any) -> EventRecord:
    message = row[_WIDTH:]
    return EventRecord._make(
        (*row[:_WIDTH], MessageRecord(*message) if message[0] is not None else None)
    )
