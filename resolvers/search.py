"""Search: messages the viewer may read, by their words."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from resolvers import inputs, policy
from resolvers.access import access_channel
from resolvers.pages import PageInfo
from resolvers.services import Services
from resolvers.snippets import snippet
from resolvers.viewer import Viewer
from storage import cursors, ids, search, search_query
from storage.cursors import CursorKind
from storage.errors import bad_input, not_found
from storage.records import Membership, MessageRecord
from storage.search_query import Query

MAX_TERMS = 20
"""Words and phrases in a query."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LATEST = datetime(9999, 12, 31, tzinfo=UTC)
_FIRST_ID = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True)
class Filter:
    """What a message must be besides matching; None leaves it open."""

    channel_id: str | None = None
    sender_id: str | None = None
    mentions_user_id: str | None = None
    has_attachment: bool | None = None
    sent_after: datetime | None = None
    sent_before: datetime | None = None


class Match(NamedTuple):
    """A message that was found."""

    cursor: str
    node: MessageRecord
    query: Query

    @property
    def snippet(self) -> str:
        """See ``resolvers.snippets``: worked out only for those who ask."""
        return snippet(self.node.content, self.query)


@dataclass(frozen=True, slots=True)
class Matches:
    """Some of what was found, in its order, and the channels it is in."""

    edges: list[Match]
    has_next: bool
    has_previous: bool
    channels: dict[str, Membership]

    @property
    def page_info(self) -> PageInfo:
        """See ``PageInfo``."""
        ends = (self.edges[0].cursor, self.edges[-1].cursor) if self.edges else (None, None)
        return PageInfo(self.has_next, self.has_previous, *ends)

    @property
    def nodes(self) -> list[MessageRecord]:
        """The messages."""
        return [edge.node for edge in self.edges]


class _Place(NamedTuple):
    """A match in its list, and the moment before which everything in the list was sent: best
    first, what is written meanwhile must not move what was there.
    """

    rank: int
    moment: int
    id: str
    until: int


async def messages(
    services: Services,
    viewer: Viewer,
    query: str,
    *,
    filter: Filter,
    by_relevance: bool,
    first: int | None,
    after: str | None,
) -> Matches:
    """A page of the messages that match, newest first or best first. By relevance, the best of
    the newest ``search.RANKED``. Raises BAD_USER_INPUT, NOT_FOUND for a channel the viewer
    does not see, and QUERY_TOO_COMPLEX for what takes too long.
    """
    limit = inputs.first(first)
    text = inputs.text(query, "query", longest=inputs.MAX_SEARCH, empty=True)
    channel_id = ids.own_id(filter.channel_id) if filter.channel_id is not None else None
    if filter.channel_id is not None and channel_id is None:
        raise not_found("channel", "channelId")
    filter = replace(
        filter,
        channel_id=channel_id,
        sender_id=_person(filter.sender_id, "senderId"),
        mentions_user_id=_person(filter.mentions_user_id, "mentionsUserId"),
    )
    scope = f"{viewer.id}:{inputs.digest(text, filter, by_relevance).hex()}"
    place = _place(scope, after) if after is not None else None
    parsed = search_query.parse(text)
    if sum(map(len, parsed)) > MAX_TERMS:
        raise bad_input("query", f"This must not have more than {MAX_TERMS} words and phrases.")
    channels = await _readable(services, viewer, filter.channel_id)
    terms = [term.text for alternative in parsed for term in alternative]
    wanted = search_query.with_words(parsed, await search.words(services.database, terms))
    if not wanted or not channels:
        return Matches([], False, after is not None, {})

    found = await search.matches(
        services.database,
        list(channels),
        wanted,
        search.Wanted(
            before=_before(place, filter.sent_before, by_relevance=by_relevance),
            sender_id=filter.sender_id,
            mentions_user_id=filter.mentions_user_id,
            has_attachment=filter.has_attachment,
            sent_after=filter.sent_after or _EPOCH,
        ),
        by_relevance=by_relevance,
        limit=search.RANKED if by_relevance else limit + 1,
    )
    newest = max((_microseconds(message.created_at) for message, _ in found), default=0)
    until = place.until if place else newest + 1
    rows = [
        (_Place(rank, _microseconds(message.created_at), message.id, until), message)
        for message, rank in found
    ]
    if place and by_relevance:
        rows = [(here, message) for here, message in rows if here < place]
    edges = [
        Match(cursors.encode(CursorKind.SEARCH, scope, *here), message, wanted)
        for here, message in rows[:limit]
    ]
    return Matches(edges, len(rows) > limit, after is not None, channels)


async def _readable(
    services: Services, viewer: Viewer, channel_id: str | None
) -> dict[str, Membership]:
    """The channels to look in, by id: the one asked for, or all that the viewer is in or that
    are open to them. What somebody sees by power alone has to be asked for, which is
    recorded. Raises NOT_FOUND.
    """
    if channel_id is not None:
        one = await access_channel(services.database, viewer, channel_id)
        return {one.channel.id: one}
    public = not viewer.is_client
    found = await search.readable(services.database, viewer.id, public=public)
    return {
        access.channel.id: access
        for access in found
        if access.member or policy.is_open(viewer, access.channel)
    }


def _person(user_id: str | None, field: str) -> str | None:
    """Their id; what can be nobody's is treated as that of somebody who has said nothing."""
    if user_id is None:
        return None
    return ids.user_id(inputs.text(user_id, field, longest=inputs.MAX_ID_LENGTH, empty=True)) or ""


def _place(scope: str, after: str) -> _Place:
    types = (int, int, str, int)
    rank, moment, last, until = cursors.decode(CursorKind.SEARCH, scope, after, "after", types)
    own = ids.own_id(str(last))
    if own is None or max(int(moment), int(until)) > _microseconds(_LATEST):
        raise bad_input("after", "This is not a cursor of this list.")
    return _Place(int(rank), int(moment), own, int(until))


def _before(
    place: _Place | None, sent_before: datetime | None, *, by_relevance: bool
) -> tuple[datetime, str]:
    if place is None:
        return sent_before or _LATEST, _FIRST_ID
    if by_relevance:
        return _EPOCH + place.until * _MICROSECOND, _FIRST_ID
    return _EPOCH + place.moment * _MICROSECOND, place.id


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND
