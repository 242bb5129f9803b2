"""Presence: who is there by way of this process, and how the others learn of it.

A process knows its own sockets, heartbeats and requests, and writes what
follows from them to tables that are not logged, in one statement for all people
of a moment: only when somebody comes, goes or is idle no longer, and in time
before what is written runs out. Nothing is written for a socket that stays
open: it counts for as long as its server says that it is alive.
"""

import asyncio
import contextlib
from dataclasses import dataclass, field

import structlog

from realtime.bell import Bell
from storage import ids, presences
from storage.errors import Refusal
from storage.events import Present
from storage.postgres import Database
from storage.presences import Devices

TICK_SECONDS = 1.0
"""How often it is looked what is about to run out."""

AHEAD_SECONDS = 3.0
"""How long before that it is written again."""

ALIVE_EVERY_SECONDS = 10.0
MOST_TOLD = 200
"""People of whom one writing rings the bell; of more, the polls find out."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PresenceTimes:
    """Seconds."""

    heartbeat: float = 25.0
    """Between two heartbeats of a client without a subscription."""
    grace: float = 10.0
    """By which one may be late; also, for a connection that was lost to come back."""
    away: float = 300.0
    """Without a request until somebody is away."""

    @property
    def alive(self) -> float:
        """For how long a server that says nothing more is taken for alive."""
        return self.heartbeat + self.grace


@dataclass(slots=True)
class _Here:
    """A person's devices on this process."""

    sockets: dict[object, bool] = field(default_factory=dict)
    """Those connected, and whether each calls itself away."""
    lost_until: float = 0.0
    """Until when one that called itself away and was lost may be back, as away as it was."""
    beat_until: float = 0.0
    active_until: float = 0.0
    written: tuple[bool, bool, float, float] = (False, False, 0.0, 0.0)

    def state(self, now: float) -> tuple[bool, bool, float, float]:
        """What there is to write."""
        is_connected = bool(self.sockets) or self.lost_until > now
        is_open = not all(self.sockets.values())
        return is_connected, is_open, self.beat_until, self.active_until

    def is_due(self, now: float) -> bool:
        """Whether others would see something else than what was written, now or soon."""
        state = self.state(now)
        if state[:2] != self.written[:2]:
            return True
        for until, written in zip(state[2:], self.written[2:], strict=True):
            if until > written and written < now + AHEAD_SECONDS:
                return True
        return False

    def is_visible(self, now: float) -> tuple[bool, bool, bool, bool]:
        """What others can see of it."""
        connected, is_open, beat, active = self.written
        return connected, is_open, beat > now, active > now


class Presence:
    """The devices of this process."""

    def __init__(self, database: Database, bell: Bell, times: PresenceTimes) -> None:
        self._database = database
        self._bell = bell
        self._times = times
        self.server_id = ids.new_id()
        self._people: dict[str, _Here] = {}
        self._due: set[str] = set()
        self._wake = asyncio.Event()
        self._writing = asyncio.Lock()
        self._alive_at = 0.0

    def connected(self, user_id: str, device: object) -> None:
        """A person has opened a connection, which stays."""
        self._here(user_id).sockets[device] = False
        self.active(user_id, device)
        self._note(user_id)

    def disconnected(self, user_id: str, device: object, *, said_goodbye: bool) -> None:
        """It has ended. Who did not say goodbye may be back in a moment."""
        here = self._people.get(user_id)
        was_away = here.sockets.pop(device, None) if here else None
        if here and was_away is not None:
            until = _now() + self._times.grace
            if was_away and not said_goodbye:
                here.lost_until = until
            elif not said_goodbye:
                here.beat_until = max(here.beat_until, until)
            self._note(user_id)

    def is_connected(self, user_id: str) -> bool:
        """Whether a connection of this person's is open here."""
        here = self._people.get(user_id)
        return here is not None and bool(here.sockets)

    def active(self, user_id: str, device: object = None) -> None:
        """A person has asked for something, by this connection or without one."""
        here = self._here(user_id)
        if not here.sockets.get(device, False):
            here.active_until = _now() + self._times.away
            if here.written[3] <= _now():
                self._note(user_id)

    async def beat(self, user_id: str) -> None:
        """A client without a connection says that it is there. Raises UNAVAILABLE."""
        here = self._here(user_id)
        was_there = here.written[2] > _now()
        here.beat_until = _now() + self._times.alive
        if not was_there or here.written[3] <= _now():
            self._note(user_id)
            await self.write()

    async def call_away(self, user_id: str, device: object, is_away: bool) -> bool:
        """One of several devices calls itself away, or no longer; False when it is none of ours.
        Raises UNAVAILABLE.
        """
        here = self._people.get(user_id)
        if here is None or device not in here.sockets:
            return False
        here.sockets[device] = is_away
        self._note(user_id)
        await self.write()
        return True

    def tell(self, user_id: str) -> None:
        """A person is to be shown otherwise."""
        self._bell.ring(Present(user_id))

    async def run(self) -> None:
        """Write until cancelled; while the database is out of reach, what is due waits."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TICK_SECONDS):
                    await self._wake.wait()
            self._wake.clear()
            try:
                await self._live_on()
                self._look_ahead()
                await self.write()
            except Refusal as refusal:
                log.warning("presence.waits", service=refusal.service)
                await asyncio.sleep(TICK_SECONDS)

    async def write(self) -> None:
        """Write what is due. Raises UNAVAILABLE; it stays due then."""
        async with self._writing:
            due, self._due = self._due, set()
            now = _now()
            # Some may have been written while this waited.
            known = {id: here for id in due if (here := self._people.get(id))}
            people = {id: here for id, here in known.items() if here.is_due(now)}
            if not people:
                return
            states = {id: here.state(now) for id, here in people.items()}
            rows = [
                Devices(id, connected, is_open, beat - now, active - now)
                for id, (connected, is_open, beat, active) in sorted(states.items())
            ]
            try:
                await presences.write(self._database, self.server_id, rows)
            except BaseException:
                self._due |= due
                raise
            changed = []
            for id, here in people.items():
                before = here.is_visible(now)
                here.written = states[id]
                if here.is_visible(now) != before:
                    changed.append(id)
            for id in changed[:MOST_TOLD]:
                self.tell(id)

    def _here(self, user_id: str) -> _Here:
        return self._people.setdefault(user_id, _Here())

    def _note(self, user_id: str) -> None:
        self._due.add(user_id)
        self._wake.set()

    async def _live_on(self) -> None:
        now = _now()
        if now < self._alive_at:
            return
        if await presences.live_on(self._database, self.server_id, self._times.alive):
            for here in self._people.values():
                here.written = (False, False, 0.0, 0.0)
            self._due.update(self._people)
        await presences.tidy(self._database)
        self._alive_at = now + min(ALIVE_EVERY_SECONDS, self._times.alive / 3)

    def _look_ahead(self) -> None:
        now = _now()
        for user_id, here in list(self._people.items()):
            if here.is_due(now):
                self._due.add(user_id)
            elif not here.written[0] and max(*here.state(now)[2:], *here.written[2:]) < now:
                del self._people[user_id]


def _now() -> float:
    return asyncio.get_running_loop().time()
