"""People: who the viewer may know of, and find."""

from resolvers import inputs, policy
from resolvers.pages import Edge, Page
from resolvers.services import Services
from resolvers.viewer import Viewer
from storage import cursors, ids, members
from storage.cursors import CursorKind
from storage.directory import PeopleFilter
from storage.errors import not_found
from storage.records import UserRecord

MAX_FOUND = 200
"""People a search ranks; who is not among them has to be asked for more precisely."""

SORTED_BY = 80
"""Characters of a name that decide its place in a list."""


async def user(services: Services, viewer: Viewer, user_id: str) -> UserRecord:
    """A person the viewer may know of. Raises NOT_FOUND.

    A client knows the people in their channels; others know everybody the
    directory has, and whoever they share a channel with.
    """
    own = ids.user_id(user_id)
    if own is None:
        raise not_found("person", "id")
    if own == viewer.id:
        return viewer.user
    shares = bool(await members.companions(services.database, viewer.id, [own]))
    if viewer.is_client and not shares:
        raise not_found("person", "id")
    found = (await services.profiles.by_ids([own]))[own]
    if not shares and services.profiles.is_unknown(own):
        raise not_found("person", "id")
    return found


async def users(
    services: Services, viewer: Viewer, *, search: str | None, first: int | None, after: str | None
) -> Page[UserRecord]:
    """People the viewer may find and write to: those whose name starts with the search first,
    then by name. Raises UNAVAILABLE when the directory cannot be asked.
    """
    limit = inputs.first(first)
    search = inputs.optional_text(search, "search", longest=inputs.MAX_SEARCH)
    scope = f"{viewer.id}:{inputs.digest(search).hex()}"
    key: tuple[object, ...] = (-1, "", "")
    if after is not None:
        key = tuple(cursors.decode(CursorKind.USER, scope, after, "after", (int, str, str)))
    found = await services.directory.search(search, await _findable(services, viewer), MAX_FOUND)
    ranked = sorted((_rank(person, search), person) for person in found if person.id != viewer.id)
    rest = [(rank, person) for rank, person in ranked if rank > key]
    edges = [
        Edge(cursors.encode(CursorKind.USER, scope, *rank), person) for rank, person in rest[:limit]
    ]
    return Page(edges, has_next=len(rest) > limit, has_previous=after is not None)


async def _findable(services: Services, viewer: Viewer) -> PeopleFilter:
    if viewer.is_client:
        known = await members.companions(services.database, viewer.id)
        return PeopleFilter(among=frozenset(known))
    if viewer.is_super_admin or viewer.may(policy.MANAGE_MEMBERS):
        return PeopleFilter()
    everybody = services.rules.direct_messages == "everybody"
    return PeopleFilter(
        team_id=None if everybody else viewer.user.team_id,
        clients=viewer.may(policy.ANSWER_SUPPORT),
    )


def _rank(person: UserRecord, search: str | None) -> tuple[int, str, str]:
    # As much of it as a cursor can carry, whatever the directory calls people.
    name = person.name.replace("\x00", "").casefold()[:SORTED_BY]
    starts = search is not None and name.startswith(search.casefold())
    return (0 if starts else 1, name, person.id)
