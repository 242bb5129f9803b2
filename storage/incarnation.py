"""Which life of the database this is.

After a restore from a backup, or a failover that lost the last commits, a
channel gives out positions again that clients have seen with other events. Its
log is another one then, and must have another epoch: a cursor of the old one is
refused instead of being served from the wrong log.

PostgreSQL tells one life from another by itself: a dump is restored into a
cluster with another system identifier, and a cluster that is recovered to a
point in time, or promoted from a standby, begins another timeline. The function
that compares is the database's own (in the migrations): it changes every
channel, which nobody may do who only sees some of them.
"""

from typing import Any

import asyncpg

from storage.postgres import Database

BEGIN_NEW_EPOCHS = "select begin_new_epochs()"


async def recognise(connection: Any) -> None:
    """For every new connection, before anybody uses it: nothing may be read from or written
    to the logs of another life as if they were those of the one before.

    Raises ConnectionError on a standby, which is nobody's to use until it is promoted.
    """
    try:
        await connection.fetchval(BEGIN_NEW_EPOCHS)
    except asyncpg.UndefinedFunctionError:
        pass  # not migrated yet: nobody is served
    except asyncpg.ObjectNotInPrerequisiteStateError as error:
        raise ConnectionError("PostgreSQL is a standby") from error


async def begin_new_epochs(database: Database) -> bool:
    """Give every channel another epoch if this is another life of the database.

    Safe to call from any number of processes, at any time; answers whether it was
    another life. Raises UNAVAILABLE.
    """
    return bool(await database.fetchval(BEGIN_NEW_EPOCHS))
