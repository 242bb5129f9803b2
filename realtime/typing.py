"""Who is typing: told at once, stored nowhere, forgotten after three seconds."""

import asyncio
from dataclasses import dataclass
from typing import NamedTuple

from realtime.bell import Bell
from realtime.hub import Hub
from storage.events import Typed

LASTS_SECONDS = 3.0
THROTTLE_SECONDS = 2.0
"""The bell is rung for a person in a channel this often, whatever they do and wherever."""

SAFETY_SECONDS = LASTS_SECONDS + THROTTLE_SECONDS
"""When those who heard of it take it for ended, should the process that told them be no more."""

Place = tuple[str, str]
"""A channel and a person."""


class _Lasting(NamedTuple):
    """Typing that began here, and will end here."""

    ends: asyncio.TimerHandle
    device: object


@dataclass(slots=True)
class _Rung:
    """What the bell was rung for less than two seconds ago."""

    is_typing: bool
    is_ours: bool
    """Whether this process did; else another one will tell how that goes on."""


class Typing:
    """Tells of typing, and ends it when nobody renews it."""

    def __init__(self, hub: Hub, bell: Bell) -> None:
        self._hub = hub
        self._bell = bell
        self._lasting: dict[Place, _Lasting] = {}
        self._rung: dict[Place, _Rung] = {}
        self._ends: dict[Place, asyncio.TimerHandle] = {}

    def tell(self, channel_id: str, user_id: str, is_typing: bool, device: object = None) -> None:
        """A person who may write in the channel has begun or stopped to type in it, on a device
        that is connected or without one. Listeners here hear it at once, others at most two
        seconds after they last heard of it.
        """
        place = (channel_id, user_id)
        lasted = self._forget(place)
        if is_typing:
            loop = asyncio.get_running_loop()
            ends = loop.call_later(LASTS_SECONDS, self.tell, channel_id, user_id, False)
            self._lasting[place] = _Lasting(ends, device)
        elif not lasted:
            return
        self.hear(Typed(channel_id, user_id, is_typing))
        if place not in self._rung:
            self._ring(place, is_typing)

    def heard(self, hint: Typed) -> None:
        """Some process has rung the bell for this, perhaps we."""
        self.hear(hint)
        place = (hint.channel_id, hint.user_id)
        if place not in self._rung:
            self._rest(place, hint.is_typing, is_ours=False)

    def hear(self, hint: Typed) -> None:
        """Tell those who listen here, if it is news to them."""
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
        """A message has come: its sender types no longer. Whoever reads it knows."""
        place = (channel_id, user_id)
        self._forget(place)
        if place in self._rung:
            self._rung[place].is_typing = False
        if place in self._ends:
            self.hear(Typed(channel_id, user_id, is_typing=False))

    def lost(self, user_id: str, device: object, *, is_last: bool) -> None:
        """A connection has ended: what began by it ends with it. With a person's last one, so
        does what began without any.
        """
        for (channel_id, who), lasting in list(self._lasting.items()):
            if who == user_id and (lasting.device is device or (is_last and not lasting.device)):
                self.tell(channel_id, user_id, False)

    def _ring(self, place: Place, is_typing: bool) -> None:
        self._bell.ring(Typed(*place, is_typing))
        self._rest(place, is_typing, is_ours=True)

    def _rest(self, place: Place, is_typing: bool, *, is_ours: bool) -> None:
        self._rung[place] = _Rung(is_typing, is_ours)
        asyncio.get_running_loop().call_later(THROTTLE_SECONDS, self._catch_up, place)

    def _catch_up(self, place: Place) -> None:
        """Two seconds are over: tell what is so by now, if others think otherwise."""
        rung = self._rung.pop(place)
        lasts = place in self._lasting
        if lasts != rung.is_typing and (lasts or rung.is_ours):
            self._ring(place, lasts)

    def _forget(self, place: Place) -> bool:
        lasted = self._lasting.pop(place, None)
        if lasted:
            lasted.ends.cancel()
        return lasted is not None
