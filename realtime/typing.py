"""Who is typing: told at once, stored nowhere, forgotten after three seconds.

A person's client may reach any process with each request. Of a person in a channel the latest
word counts, whoever was given it: that they type, which lasts three seconds, or that they
do not. The bell carries words with their age.
"""

import asyncio
import random
from dataclasses import dataclass

from realtime.bell import Bell
from realtime.cohorts import Subscriber
from realtime.hub import Hub
from realtime.source import settled
from storage.events import Typed

LASTS_SECONDS = 3.0
THROTTLE_SECONDS = 2.0
"""The bell is rung for a person in a channel this often, whatever they do and wherever."""

DEFERENCE_SECONDS = 0.1
"""Who did not ring last waits for so much longer, or up to three times as much: two processes
are not to ring at once.
"""

Place = tuple[str, str]
"""A channel and a person."""

_ELSEWHERE = object()
"""Instead of a connection, for what was said to another process."""


@dataclass(slots=True)
class _Typist:
    """A person in a channel, for as long as it may matter what was said of them."""

    at: float = float("-inf")
    """When the latest word was given, on the event loop's clock."""
    is_typing: bool = False
    """What it says, and says no longer once it is three seconds old."""
    device: object = None
    """The connection that it came by, if it came by one that stays."""
    is_news: bool = False
    """Whether the other processes are still to be told of it."""
    is_said: bool = False
    """What the bell has said last."""
    is_told: bool = False
    """What those who listen here were told last."""
    ends: asyncio.TimerHandle | None = None
    rest: asyncio.TimerHandle | None = None
    """While this lasts, the bell is not rung."""


class Typing:
    """Tells of typing, and ends it when nobody renews it."""

    def __init__(self, hub: Hub, bell: Bell) -> None:
        self._hub = hub
        self._bell = bell
        self._channels: dict[str, dict[str, _Typist]] = {}
        self._people: dict[str, set[str]] = {}
        """In which channels something is known of each."""

    def tell(self, channel_id: str, user_id: str, is_typing: bool, device: object = None) -> None:
        """A person who may write in the channel has begun or stopped to type in it, on a device
        that is connected or without one. Listeners here hear it at once, others at most two
        seconds after they last heard of it.
        """
        known = self._known(channel_id, user_id)
        if is_typing or (known and known.is_typing):
            place = (channel_id, user_id)
            typist = self._note(place, _now(), is_typing, device)
            typist.is_news = is_typing or typist.is_said
            self._say(place, typist)

    def heard(self, hint: Typed) -> None:
        """Another process has rung the bell for this."""
        place = (hint.channel_id, hint.user_id)
        at = _now() - hint.age / 1000
        known = self._known(*place)
        if at > max(known.at if known else at - 1, _now() - LASTS_SECONDS):
            known = self._note(place, at, hint.is_typing, _ELSEWHERE)
            known.is_news = False
        if known:
            known.is_said = hint.is_typing
            deference = DEFERENCE_SECONDS * random.uniform(1, 3)  # noqa: S311
            self._rest(place, known, THROTTLE_SECONDS + deference)

    def over(self, channel_id: str, user_id: str) -> None:
        """A message of theirs has come, or they have left: whoever reads the log knows."""
        if self._known(channel_id, user_id):
            typist = self._note((channel_id, user_id), _now(), False, _ELSEWHERE)
            typist.is_news = typist.is_said = False

    def lost(self, user_id: str, device: object, *, is_last: bool) -> None:
        """A connection has ended: what began by it ends with it. With a person's last one, so
        does what began without any.
        """
        for channel_id in list(self._people.get(user_id, ())):
            known = self._known(channel_id, user_id)
            if known and (known.device is device or (is_last and known.device is None)):
                self.tell(channel_id, user_id, False)

    async def greet(self, channel_id: str, subscriber: Subscriber) -> None:
        """Tell somebody who has begun to listen who is typing. Raises UNAVAILABLE."""
        for user_id, typist in list(self._channels.get(channel_id, {}).items()):
            if typist.is_typing:
                hint = Typed(channel_id, user_id, is_typing=True)
                payload = await settled(subscriber.cohort.payload(hint, {}))
                if typist.is_typing:
                    typist.is_told = True
                    subscriber.offer(hint, payload)

    def _known(self, channel_id: str, user_id: str) -> _Typist | None:
        return self._channels.get(channel_id, {}).get(user_id)

    def _note(self, place: Place, at: float, is_typing: bool, device: object) -> _Typist:
        """The latest word of this person, which those who listen here are told."""
        typist = self._channels.setdefault(place[0], {}).setdefault(place[1], _Typist())
        self._people.setdefault(place[1], set()).add(place[0])
        typist.at, typist.is_typing, typist.device = at, is_typing, device
        if typist.ends:
            typist.ends.cancel()
        # Nothing older can come when this is over: it would be over as well.
        typist.ends = asyncio.get_running_loop().call_at(
            at + LASTS_SECONDS, self._end, place, typist
        )
        self._show(place, typist)
        return typist

    def _end(self, place: Place, typist: _Typist) -> None:
        """The latest word counts no longer. Whoever has it knows by themselves."""
        typist.ends = None
        typist.is_typing = typist.is_news = typist.is_said = False
        self._show(place, typist)
        self._forget(place, typist)

    def _show(self, place: Place, typist: _Typist) -> None:
        if typist.is_told != typist.is_typing:
            typist.is_told = typist.is_typing
            topic = self._hub.topics.get(place[0])
            if topic:
                topic.feed([Typed(*place, typist.is_told)])

    def _say(self, place: Place, typist: _Typist) -> None:
        """Ring the bell for what others do not know yet, unless it was rung just now."""
        if typist.is_news and not typist.rest:
            age = round((_now() - typist.at) * 1000)
            self._bell.ring(Typed(*place, typist.is_typing, age))
            typist.is_news, typist.is_said = False, typist.is_typing
            self._rest(place, typist, THROTTLE_SECONDS)

    def _rest(self, place: Place, typist: _Typist, seconds: float) -> None:
        if typist.rest:
            typist.rest.cancel()
        typist.rest = asyncio.get_running_loop().call_later(seconds, self._rested, place, typist)

    def _rested(self, place: Place, typist: _Typist) -> None:
        typist.rest = None
        self._say(place, typist)
        self._forget(place, typist)

    def _forget(self, place: Place, typist: _Typist) -> None:
        if not typist.ends and not typist.rest:
            typists, channels = self._channels[place[0]], self._people[place[1]]
            del typists[place[1]]
            channels.remove(place[0])
            if not typists:
                del self._channels[place[0]]
            if not channels:
                del self._people[place[1]]


def _now() -> float:
    return asyncio.get_running_loop().time()
