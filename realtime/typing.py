"""Who is typing: told at once, stored nowhere, forgotten after three seconds."""

import asyncio
from typing import NamedTuple

from realtime.bell import Bell
from realtime.hub import Hub
from storage.events import Typed

LASTS_SECONDS = 3.0
THROTTLE_SECONDS = 2.0
"""A person who goes on typing in a channel is told about this often, however often they say so."""

SAFETY_SECONDS = LASTS_SECONDS + THROTTLE_SECONDS
"""When those who heard of it take it for ended, should the process that told them be no more."""

Place = tuple[str, str]
"""A channel and a person."""


class _Told(NamedTuple):
    """Typing that this process has told of, and will tell the end of."""

    at: float
    ends: asyncio.TimerHandle


class Typing:
    """Tells of typing, and ends it when nobody renews it."""

    def __init__(self, hub: Hub, bell: Bell) -> None:
        self._hub = hub
        self._bell = bell
        self._told: dict[Place, _Told] = {}
        self._ends: dict[Place, asyncio.TimerHandle] = {}

    def tell(self, channel_id: str, user_id: str, is_typing: bool) -> None:
        """A person who may write in the channel has begun or stopped to type in it."""
        loop = asyncio.get_running_loop()
        place = (channel_id, user_id)
        told = self._forget(place)
        if is_typing:
            is_news = told is None or loop.time() - told.at >= THROTTLE_SECONDS
            ends = loop.call_later(LASTS_SECONDS, self.tell, channel_id, user_id, False)
            self._told[place] = _Told(loop.time() if told is None or is_news else told.at, ends)
        else:
            is_news = told is not None
        if is_news:
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
                SAFETY_SECONDS, self.hear, hint._replace(is_typing=False)
            )
        if topic and hint.is_typing != bool(timer):
            topic.feed([hint])

    def sent(self, channel_id: str, user_id: str) -> None:
        """A message has come: its sender types no longer."""
        self._forget((channel_id, user_id))
        if (channel_id, user_id) in self._ends:
            self.hear(Typed(channel_id, user_id, is_typing=False))

    def _forget(self, place: Place) -> _Told | None:
        told = self._told.pop(place, None)
        if told:
            told.ends.cancel()
        return told
