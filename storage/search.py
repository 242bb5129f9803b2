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
from storage.search_query import SCOPE, Query, tsquery

SECONDS = 2.0
"""What one statement of a search may take; the benchmark's slowest takes a fiftieth."""

WALKED = 4_000
"""Messages looked at from the newest back before the index is asked: what does not fill a
page among them is rare enough for it.
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

_WANTED = """
       and m.created_at >= $6
       and ($7::text is null or exists (
               select from mentions x where x.message_id = m.id and x.user_id = $7))
"""

# Common words: messages_newest, from the newest message back, finds a page of them soon.
# Rare words: messages_vector finds all there are, channel by channel. Which they are is
# not known beforehand, so the walk comes first and ends after so many messages; what
# has not filled the page by then is rare enough. "offset 0" keeps PostgreSQL from
# preferring another index for what it knows nothing about; of string_to_table it
# expects a thousand rows, of an array ten, and then it would compare all with all.
_MATCHES = f"""
with scope as materialized (
    select id, replace($2, '{SCOPE}', search_scope(id))::tsquery as query
      from string_to_table($1, ',') as readable (channel_id)
     cross join lateral (select channel_id::uuid as id) as channel
), walked as materialized (
    select m.*
      from messages m
     where (m.created_at, m.id) < ($3, $4::uuid)
       and m.created_at >= $6
     order by m.created_at desc, m.id desc
     limit {{walked}}
), near as materialized (
    select m.*, scope.query
      from walked m
      join scope on scope.id = m.channel_id
     where m.vector @@ scope.query
{_WANTED}
     order by m.created_at desc, m.id desc
     limit $5
), far as (
    select m.*, scope.query
      from scope
     cross join lateral (
        {{source}}
        offset 0
     ) m
     where (select count(*) from near) < $5
       and (select count(*) from walked) = {{walked}}
       and m.channel_id = scope.id
       and (m.created_at, m.id) < (
               select created_at, id from walked order by created_at, id limit 1)
{_WANTED}
     order by m.created_at desc, m.id desc
     limit $5
), found as (
    select * from near
     union all
    select * from far
     order by created_at desc, id desc
     limit $5
)
"""

_BY_WORDS = "select * from messages where vector @@ scope.query"

# Served by mentions_user.
_BY_MENTIONS = """
        select named.*
          from mentions x
          join messages named on named.id = x.message_id
         where x.user_id = $7
           and x.channel_id = scope.id
           and named.vector @@ scope.query
"""

_NEWEST = f"""
select {COLUMNS}, 0 as rank
  from found m
 order by m.created_at desc, m.id desc
"""

_RELEVANT = f"""
select {COLUMNS}, (1000000 * ts_rank(m.vector, m.query))::bigint as rank
  from found m
 order by rank desc, m.created_at desc, m.id desc
"""

SEARCH = {
    (by_relevance, by_mentions): _MATCHES.format(source=source, walked=walked) + order
    for by_relevance, order, walked in (
        (False, _NEWEST, WALKED),
        (True, _RELEVANT, WALKED_TO_RANK),
    )
    for by_mentions, source in ((False, _BY_WORDS), (True, _BY_MENTIONS))
}
"""By whether relevance orders, and whether a mention is asked for."""


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
    statement = SEARCH[by_relevance, wanted.mentions_user_id is not None]
    async with database.reading() as connection:
        try:
            async with asyncio.timeout(SECONDS):
                rows = await connection.fetch(
                    statement,
                    ",".join(channel_ids),
                    tsquery(query, wanted.sender_id, wanted.has_attachment),
                    *wanted.before,
                    limit,
                    wanted.sent_after,
                    wanted.mentions_user_id,
                )
        except TimeoutError:
            raise Refusal(
                ErrorCode.QUERY_TOO_COMPLEX,
                "This search would take too long; look for something more special.",
                field="query",
            ) from None
    return [(MessageRecord(*row[:-1]), row[-1]) for row in rows]
