"""The viewer's sidebar, followed."""

from realtime.inbox import Inbox
from resolvers.services import Services
from resolvers.viewer import Viewer

FOLLOWS_REACTIONS = frozenset({"reactions", "cursor"})
"""What reactions change, besides what everybody's sidebar shows."""


def follow(services: Services, viewer: Viewer, fields: frozenset[str]) -> Inbox:
    """The viewer's channels and then every change of them, for an operation with these fields."""
    return services.live.inbox(viewer.id, hears_reactions=not FOLLOWS_REACTIONS.isdisjoint(fields))
