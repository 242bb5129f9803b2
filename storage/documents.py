"""Documents: GraphQL documents that clients name by their hash, the SQL.

Whose they are is nobody's: a row says what some client asks, and nothing of who.
"""

from datetime import timedelta

from storage.postgres import Connection

# By the primary key. Told apart from a row that nobody wants any more by when it
# was last looked for, to the hour: a read that writes each time would be a waste.
FIND = """
with touched as (
    update documents
       set used_at = now()
     where hash = $1
       and used_at < now() - interval '1 hour'
)
select text
  from documents
 where hash = $1
"""

# The count goes over an index of a few thousand entries, once for each new document.
KEEP = """
insert into documents (hash, text)
select $1, $2
 where (select count(*) from documents) < $3
    on conflict (hash) do nothing
"""

# Those that stay are found by documents_used.
FORGET = """
delete from documents
 where used_at < now() - $1::interval
    or hash not in (select hash from documents order by used_at desc limit $2)
"""


async def find(connection: Connection, hash: bytes) -> str | None:
    """The document of this SHA-256 hash."""
    text: str | None = await connection.fetchval(FIND, hash)
    return text


async def keep(connection: Connection, hash: bytes, text: str, most: int) -> None:
    """Keep a document, unless there are ``most`` already."""
    await connection.execute(KEEP, hash, text, most)


async def forget(connection: Connection, unused: timedelta, most: int) -> None:
    """Drop what was not used for so long, and beyond ``most`` what was used the longest ago."""
    await connection.execute(FORGET, unused, most)
