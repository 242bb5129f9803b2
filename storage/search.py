"""Search: the SQL. docs/architecture.md says how it works, the migration called search
what the words of a message are.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from storage.channels import COLUMNS as CHANNEL_COLUMNS
from storage.channels import MEMBER_COLUMNS, membership_of
from storage.errors import ErrorCode, Refusal
from storage.messages import COLUMNS
from storage.postgres import Connection, Database
from storage.records import Membership, MessageRecord
from storage.search_query import Query, tsquery

SECONDS = 2.0
"""What one statement of a search may take; the benchmark's slowest takes a fiftieth."""

WALKED = 4_000
"""Messages looked at from the newest back at first. If the page should be full within eight
times as many, they are looked at too; what does not fill it is rare enough for the index.
"""

RANKED = 100
"""Matches, the newest ones, among which relevance decides."""

WALKED_TO_RANK = 8_000
"""As ``WALKED``, for so many."""

WORDS = """
select search_words(term)
  from unnest($1::text[]) with ordinality as written (term, number)
 order by number
"""

# Clients have nothing but their memberships, whatever is public.
MEMBERSHIPS = f"""
select {CHANNEL_COLUMNS}, {MEMBER_COLUMNS}
  from members m
  join channels c on c.id = m.channel_id
 where m.user_id = $1
"""

MEMBERSHIPS_AND_PUBLIC = f"""
{MEMBERSHIPS}
 union all
select {CHANNEL_COLUMNS}, {MEMBER_COLUMNS}
  from channels c
  left join members m on m.channel_id = c.id and m.user_id = $1
 where not c.is_private
   and c.type <> 'DM'
   and m.channel_id is null
"""

# find_messages, in the migration called walking_further, says which; they are read under the
# policies.
SEARCH = f"""
select {COLUMNS}, found.rank
  from find_messages($1, $2, $3, $4::uuid, $5, $6, $7, $8) as found
  join messages m on m.id = found.message_id
 order by case when $9 then found.rank end desc, m.created_at desc, m.id desc
"""


class Wanted(NamedTuple):
    """What a message must be besides matching, and before which place in time."""

    before: tuple[datetime, str]
    sender_id: str | None
    mentions_user_id: str | None
    has_attachment: bool | None
    sent_after: datetime


async def words(connection: Connection, texts: list[str]) -> list[list[str]]:
    """The words of each text, as those of messages are kept."""
    return [row[0] for row in await connection.fetch(WORDS, texts)]


async def readable(connection: Connection, user_id: str, *, public: bool) -> list[Membership]:
    """Every channel the person is in; with ``public``, also those that are not private."""
    statement = MEMBERSHIPS_AND_PUBLIC if public else MEMBERSHIPS
    return [membership_of(row) for row in await connection.fetch(statement, user_id)]


async def matches(
    database: Database,
    channel_ids: Sequence[str],
    query: Query,
    wanted: Wanted,
    *,
    by_relevance: bool,
    limit: int,
) -> list[tuple[MessageRecord, int]]:
    """The newest messages of these channels that match, and how well each does; newest first,
    or the best first. Raises QUERY_TOO_COMPLEX for what takes longer than ``SECONDS``.
    """
    async with database.reading() as connection:
        try:
            async with asyncio.timeout(SECONDS):
                rows = await connection.fetch(
                    SEARCH,
                    ",".join(channel_ids),
                    tsquery(query, wanted.sender_id, wanted.has_attachment),
                    *wanted.before,
                    wanted.sent_after,
                    wanted.mentions_user_id,
                    limit,
                    WALKED_TO_RANK if by_relevance else WALKED,
                    by_relevance,
                )
        except TimeoutError:
            raise Refusal(
                ErrorCode.QUERY_TOO_COMPLEX,
                "This search would take too long; look for something more special.",
                field="query",
            ) from None
    return [(MessageRecord(*row[:-1]), row[-1]) for row in rows]
