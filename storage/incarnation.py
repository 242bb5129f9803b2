"""Which life of the database this is.

After a restore from a backup, or a failover that lost the last commits, a
channel gives out positions again that clients have seen with other events. Its
log is another one then, and must have another epoch: a cursor of the old one is
refused instead of being served from the wrong log.

PostgreSQL tells one life from another by itself: a dump is restored into a
cluster with another system identifier, and a cluster that is recovered to a
point in time, or promoted from a standby, begins another timeline.
"""

from typing import Any

import asyncpg

from storage.postgres import Database

IDENTITY = """
select system_identifier::text || '/' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8)
  from pg_control_system()
"""

# Whoever comes first changes it; for those who wait for that row it has not changed any more.
RECORD = """
insert into incarnation as known (identity)
values ($1)
    on conflict (is_only) do update
   set identity = excluded.identity
 where known.identity <> excluded.identity
returning xmax <> 0
"""

RENEW_EPOCHS = """
update channels
   set epoch = default
"""


IS_KNOWN = f"select exists (select 1 from incarnation where identity = ({IDENTITY}))"


async def recognise(connection: Any) -> None:
    """For every new connection, before anybody uses it: nothing may be read from or written
    to the logs of another life as if they were those of the one before.

    Raises ConnectionError on a standby, which is nobody's to use until it is promoted.
    """
    try:
        if not await connection.fetchval(IS_KNOWN):
            async with connection.transaction():
                if await connection.fetchval(RECORD, await connection.fetchval(IDENTITY)):
                    await connection.execute(RENEW_EPOCHS)
    except asyncpg.UndefinedTableError:
        pass  # not migrated yet: there are no logs
    except asyncpg.ObjectNotInPrerequisiteStateError as error:
        raise ConnectionError("PostgreSQL is a standby") from error


async def begin_new_epochs(database: Database) -> bool:
    """Give every channel another epoch if this is another life of the database.

    Safe to call from any number of processes, at any time; answers whether it was
    another life. Raises UNAVAILABLE.
    """
    identity = await database.fetchval(IDENTITY)
    async with database.transaction() as transaction:
        changed = await transaction.fetchval(RECORD, identity)
        if changed:
            await transaction.execute(RENEW_EPOCHS)
        return bool(changed)
