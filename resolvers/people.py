"""People: who the viewer may know of, and find."""

from loaders.roster import Entry
from resolvers import inputs, policy
from resolvers.finding import Place, Wanted
from resolvers.pages import Page, Placed
from resolvers.services import Services
from resolvers.viewer import Viewer
from storage import cursors, ids, members
from storage.cursors import CursorKind
from storage.errors import not_found
from storage.records import UserRecord


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
    """People the viewer may find and write to, those who fit best first, then by name.

    Raises UNAVAILABLE when the directory cannot be asked.
    """
    limit = inputs.first(first)
    search = inputs.optional_text(search, "search", longest=inputs.MAX_SEARCH)
    scope = f"{viewer.id}:{inputs.digest(search).hex()}"
    place: Place = (-1, "", "")
    if after is not None:
        rank, name, last = cursors.decode(CursorKind.USER, scope, after, "after", (int, str, str))
        place = int(rank), str(name), str(last)
    shared = await members.companions(services.database, viewer.id) if viewer.is_client else ()

    def shows(entry: Entry) -> bool:
        return entry.id != viewer.id and policy.finds(
            viewer, entry.person, shares=entry.id in shared
        )

    best = Wanted(search).best(await services.roster.people(), place, limit + 1, shows)
    edges = [
        Placed(cursors.encode(CursorKind.USER, scope, *place), entry.person)
        for place, entry in best[:limit]
    ]
    return Page(edges, has_next=len(best) > limit, has_previous=after is not None)
