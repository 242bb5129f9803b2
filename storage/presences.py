"""Who is there, and what they say of themselves: the SQL.

All times are the database's: servers whose clocks differ agree on who is
there. What is true only for a while is stored with its end, so that reading
needs to know no setting.
"""

from storage.postgres import Connection

# A person's devices $1 taken together: the most present one counts. A socket counts for as
# long as its server says that it is alive.
PRESENT = """
select d.user_id,
       bool_or((d.is_connected and coalesce(s.alive_until > now(), false))
               or d.beat_until > now()) as is_there,
       bool_or((d.is_open and coalesce(s.alive_until > now(), false))
               or d.beat_until > now())
       and max(d.active_until) > now() as is_active
  from devices d
  left join servers s on s.id = d.server_id
 where d.user_id = any($1::text[])
 group by d.user_id
"""

ONLINE = f"""
select present.user_id
  from ({PRESENT}) as present
  left join presences p on p.user_id = present.user_id
 where present.is_active
   and p.choice is null
"""


async def online(connection: Connection, user_ids: list[str]) -> set[str]:
    """Which of these people are online."""
    return {row[0] for row in await connection.fetch(ONLINE, user_ids)}
