"""Who is typing: told at once, stored nowhere, forgotten after three seconds."""

import asyncio
import time

from realtime.bell import Bell
from realtime.hub import Hub
from storage.events import Typed

LASTS_SECONDS = 3.0
THROTTLE_SECONDS = 2.0
"""A person who goes on typing in a channel is told about this often; must be shorter than
what typing lasts, or it would flicker."""

Place = tuple[str, str]
"""A channel and a person."""


class Typing:
    """Tells of typing, and ends it when nobody renews it."""

    def __init__(self, hub: Hub, bell: Bell) -> None:
        self._hub = hub
        self._bell = bell
        self._told: dict[Place, float] = {}
        self._ends: dict[Place, asyncio.TimerHandle] = {}

    def tell(self, channel_id: str, user_id: str, is_typing: bool) -> None:
        """A person who may write in the channel has begun or stopped to type in it."""
        place = (channel_id, user_id)
        now = time.monotonic()
        if is_typing:
            if now - self._told.get(place, 0.0) < THROTTLE_SECONDS:
                return
            self._forget_old(now)
            self._told[place] = now
        elif self._told.pop(place, None) is None:
            return
        hint = Typed(channel_id, user_id, is_typing)
        self.hear(hint)
        self._bell.ring(hint)

    def hear(self, hint: Typed) -> None:
        """Some process has told of typing; tell those who listen here, if it is news to them."""
        topic = self._hub.topics.get(hint.channel_id)
        place = (hint.channel_id, hint.user_id)
        timer = self._ends.pop(place, None)
        if timer:
            timer.cancel()
        if topic and hint.is_typing:
            self._ends[place] = asyncio.get_running_loop().call_later(
                LASTS_SECONDS, self.hear, hint._replace(is_typing=False)
            )
        if topic and hint.is_typing != bool(timer):
            topic.feed([hint])

    def sent(self, channel_id: str, user_id: str) -> None:
        """A message has come: its sender types no longer."""
        self._told.pop((channel_id, user_id), None)
        if (channel_id, user_id) in self._ends:
            self.hear(Typed(channel_id, user_id, is_typing=False))

    def _forget_old(self, now: float) -> None:
        if len(self._told) >= 1_000:
            self._told = {
                place: told for place, told in self._told.items() if now - told < LASTS_SECONDS
            }
