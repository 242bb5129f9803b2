"""Who is there, and what they say of themselves: the SQL.

All times are the database's: servers whose clocks differ agree on who is
there. What is true only for a while is stored with its end, so that reading
needs to know no setting.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from storage.postgres import Connection
from storage.records import PresenceRecord

# The database's own function (in the migrations): it tells a viewer of nobody they may not see.
READ = """
select user_id, status, status_text, status_emoji, last_seen_at
  from presence_of($1, $2)
"""

# The same, without what is only shown.
ONLINE = """
select d.user_id
  from devices d
  left join servers s on s.id = d.server_id
 where d.user_id = any($1::text[])
   and not exists (select from presences p
                    where p.user_id = d.user_id
                      and p.choice is not null)
 group by d.user_id
having bool_or((d.is_open and coalesce(s.alive_until > now(), false))
               or d.beat_until > now())
   and max(d.active_until) > now()
"""

# Who chooses to look as if they had gone was last seen when they chose it. Asked first: a
# conflict locks its row, which is written to the log, and every heartbeat comes through here.
CHOOSE = """
insert into presences as p (user_id, choice, last_seen_at)
select $1, nullif($2, 'ONLINE'), case when $2 = 'OFFLINE' then now() end
 where (select choice from presences where user_id = $1) is distinct from nullif($2, 'ONLINE')
    on conflict (user_id) do update
   set choice       = excluded.choice,
       last_seen_at = coalesce(excluded.last_seen_at, p.last_seen_at)
 where p.choice is distinct from excluded.choice
returning user_id
"""

SAY = """
insert into presences (user_id, status_text, status_emoji, status_ends_at)
select $1, $2, $3, $4::timestamptz
 where coalesce($4::timestamptz > now(), true)
    on conflict (user_id) do update
   set status_text    = excluded.status_text,
       status_emoji   = excluded.status_emoji,
       status_ends_at = excluded.status_ends_at
returning user_id
"""

WRITE = """
insert into devices
       (user_id, server_id, is_connected, is_open, beat_until, active_until, seen_at)
select person.id, $1, person.is_connected, person.is_open,
       now() + person.beats * interval '1 second',
       now() + person.active * interval '1 second',
       now()
  from unnest($2::text[], $3::boolean[], $4::boolean[], $5::float8[], $6::float8[])
       as person (id, is_connected, is_open, beats, active)
    on conflict (user_id, server_id) do update
   set is_connected = excluded.is_connected,
       is_open      = excluded.is_open,
       beat_until   = excluded.beat_until,
       active_until = excluded.active_until,
       seen_at      = excluded.seen_at
"""

# New the first time, and after a crash of the database, which empties these tables.
LIVE_ON = """
insert into servers (id, seen_at, alive_until)
values ($1, now(), now() + $2 * interval '1 second')
    on conflict (id) do update
   set seen_at     = excluded.seen_at,
       alive_until = excluded.alive_until
returning xmax = 0
"""

# What counts no longer goes, and when the person was last seen is kept. Those whom another
# server is tidying away are left to it.
TIDY = """
with old as (
    select d.user_id, d.server_id,
           greatest(d.seen_at, case when d.is_connected then s.seen_at end) as seen_at
      from devices d
      left join servers s on s.id = d.server_id
     where d.beat_until <= now()
       and d.active_until <= now()
       and not (d.is_connected and coalesce(s.alive_until > now(), false))
       for update of d skip locked
), gone as (
    delete from devices d
     using old
     where d.user_id = old.user_id
       and d.server_id = old.server_id
    returning old.user_id, old.seen_at
), dead as (
    delete from servers s
     where s.alive_until < now() - interval '1 hour'
       and not exists (select from devices d where d.server_id = s.id)
)
insert into presences as p (user_id, last_seen_at)
select user_id, max(seen_at)
  from gone
 group by user_id
 order by user_id
    on conflict (user_id) do update
   set last_seen_at = greatest(p.last_seen_at, excluded.last_seen_at)
 where p.choice is distinct from 'OFFLINE'
"""


class Devices(NamedTuple):
    """A person's devices on one server, taken together."""

    user_id: str
    is_connected: bool
    is_open: bool
    beats: float
    """Seconds for which a heartbeat still counts; negative when it does no longer."""
    active: float
    """The same of the last request."""


async def read(
    connection: Connection, user_ids: list[str], client_id: str | None = None
) -> dict[str, PresenceRecord]:
    """How these people are shown, in one statement; to a client, only those they may see."""
    rows = await connection.fetch(READ, user_ids, client_id)
    return {row[0]: PresenceRecord(*row) for row in rows}


async def online(connection: Connection, user_ids: list[str]) -> set[str]:
    """Which of these people are online."""
    return {row[0] for row in await connection.fetch(ONLINE, user_ids)}


async def choose(connection: Connection, user_id: str, status: str) -> bool:
    """How a person is to be shown while they are there, ``ONLINE`` being as they are; False when
    it is so already.
    """
    return await connection.fetchval(CHOOSE, user_id, status) is not None


async def say(
    connection: Connection,
    user_id: str,
    *,
    text: str | None,
    emoji: str | None,
    ends_at: datetime | None,
) -> bool:
    """What a person says of themselves, until then; False when that is over already."""
    return await connection.fetchval(SAY, user_id, text, emoji, ends_at) is not None


async def write(connection: Connection, server_id: str, people: Sequence[Devices]) -> None:
    """The devices of these people on this server, in one statement."""
    columns = [list(column) for column in zip(*people, strict=True)]
    await connection.execute(WRITE, server_id, *columns)


async def live_on(connection: Connection, server_id: str, seconds: float) -> bool:
    """The server is alive, and for as long as this; True when nothing was known of it."""
    return bool(await connection.fetchval(LIVE_ON, server_id, seconds))


async def tidy(connection: Connection) -> None:
    """Drop what counts no longer; when a person was last seen is kept."""
    await connection.execute(TIDY)
