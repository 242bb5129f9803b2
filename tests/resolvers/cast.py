"""Three people with three devices each, who act on one after the other and look at all of them."""

import itertools
from collections import Counter
from collections.abc import Collection
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

from tests.operations import document, patiently
from tests.realtime.sidebars import Sidebar, following
from tests.world import PATIENCE, Person, Socket, World

KEYS = ("owner", "one", "other")
DEVICES = 3

COUNTS = "unreadCount mentionCount memberCount membership { isMuted }"

SIZES = "select id::text, member_count from channels where id = any($1::uuid[])"

REPLIES = """
select id::text, reply_count
  from messages
 where channel_id = any($1::uuid[])
   and parent_id is null
   and content_type <> 'SYSTEM'
"""

LOOK = f"""
query {{
  viewer {{
    unread {{ messages mentions channels }}
    channels {{ edges {{ node {{ id {COUNTS} }} }} }}
  }}
}}
"""
"""Everybody's."""

THREADS = """
query ($first: ID!, $second: ID!) {
  first: channel(id: $first) { ...Threads }
  second: channel(id: $second) { ...Threads }
}
fragment Threads on Channel {
  lastMessage { id isDeleted }
  messages(last: 100) { edges { node { id contentType isDeleted replyCount lastReply { id } } } }
}
"""
"""The same for everybody."""

ONCE_MORE = f"""
query ($first: ID!, $second: ID!) {{
  first: channel(id: $first) {{ {COUNTS} }}
  second: channel(id: $second) {{ {COUNTS} }}
  viewer {{ channels(filter: {{ unreadOnly: true }}) {{ edges {{ node {{ id }} }} }} }}
}}
"""
"""At the end, by those who are not in a channel as well."""

LEAVE = "mutation ($id: ID!) { leaveChannel(channelId: $id) { channel { id } } }"


class Cast:
    """Who they are, which of them are online, and how often they have done what."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.people: dict[str, Person] = {}
        self.online: frozenset[str] = frozenset()
        self.done: Counter[str] = Counter()
        self._sidebars: dict[str, list[Sidebar]] = {}
        self._next: dict[str, itertools.cycle[Socket]] = {}

    async def enter(self, stack: AsyncExitStack) -> None:
        """Everybody appears, and follows their inbox on every device."""
        for key in KEYS:
            person = await self.world.new_person(key.capitalize())
            sockets = [await stack.enter_async_context(person.socket()) for _ in range(DEVICES)]
            inbox = following(f"id {COUNTS}")
            self.people[key] = person
            self._sidebars[key] = [Sidebar(await each.subscribe(inbox)) for each in sockets]
            self._next[key] = itertools.cycle(sockets)

    async def are_online(self, user_ids: Collection[str]) -> set[str]:
        """As ``Live.online`` answers."""
        return {self.people[key].id for key in self.online} & set(user_ids)

    async def run(self, key: str, query: str, **variables: Any) -> Any:
        """An operation on somebody's next device; it may be repeated."""
        return await patiently(partial(next(self._next[key]).run, query, **variables))

    async def do(self, key: str, name: str, **arguments: Any) -> Any:
        """A mutation on somebody's next device."""
        answer = await self.run(key, document(name, arguments), **arguments)
        self.done[name] += 1
        return answer[name]

    async def are_shown(self, key: str, channels: dict[str, Any], unread: Any) -> None:
        """Return when each of somebody's devices has been told of just these counts."""
        wanted = {id: {"id": id, **channel} for id, channel in channels.items()}
        for sidebar in self._sidebars[key]:
            while sidebar.state != (wanted, unread):
                await sidebar.take(PATIENCE)
