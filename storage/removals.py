"""Removals: stored objects to be deleted, the SQL.

The list is kept with what refers to the objects, in the same transactions, so
that no object is ever forgotten. What is about to be stored is put on it
first, and taken off it once something refers to it.
"""

from storage.postgres import Connection, Transaction

EXPECT = """
insert into removals (object_key, due_at)
select key, now() + interval '1 hour'
  from unnest($1::text[]) as wanted (key)
"""

KEEP = """
delete from removals
 where object_key = any($1::text[])
   and attempts = 0
   and due_at > now()
returning object_key
"""

# Served by removals_due. A minute, then two, four and so on to an hour: until then
# it is ours alone, and then it is anybody's who asks.
CLAIM = """
update removals
   set attempts = attempts + 1,
       due_at   = now() + least(interval '1 minute' * 2 ^ least(attempts, 6), interval '1 hour')
 where object_key in (
    select object_key
      from removals
     where due_at <= now()
     order by due_at
     limit $1
       for update skip locked
 )
returning object_key
"""

DONE = """
delete from removals
 where object_key = any($1::text[])
"""


async def expect(connection: Connection, object_keys: list[str]) -> None:
    """Objects will be stored under these keys; unless kept within the hour, they are removed."""
    await connection.execute(EXPECT, object_keys)


async def keep(transaction: Transaction, object_keys: list[str]) -> bool:
    """Something refers to these objects now; False when it is too late for any of them."""
    rows = await transaction.fetch(KEEP, object_keys)
    return len(rows) == len(object_keys)


async def claim(connection: Connection, limit: int) -> list[str]:
    """Keys to be removed now; nobody else gets them until the next attempt is due."""
    return [row[0] for row in await connection.fetch(CLAIM, limit)]


async def done(connection: Connection, object_keys: list[str]) -> None:
    """These objects are gone from the store, for good."""
    await connection.execute(DONE, object_keys)
