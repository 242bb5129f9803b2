"""People of the directory, kept for a while: shared by all operations of a process."""

import asyncio
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from math import inf
from typing import NamedTuple

import structlog
from cachetools import LRUCache

from storage.directory import Directory
from storage.errors import Refusal
from storage.records import RoleRecord, UserRecord

MAX_PROFILES = 100_000

MOST_REFRESHED = 1_000
"""People who are looked up again in one query: what it answers is taken in at a stretch."""

PATIENCE_SECONDS = 0.3
"""How long a role that is known is waited for when it may have changed."""

log = structlog.get_logger(__name__)


class _Kept(NamedTuple):
    user: UserRecord | None
    read_at: float


class Profiles:
    """The directory behind a cache with a time limit.

    While MongoDB is out of reach, profiles older than the limit still serve:
    a name of a minute ago beats no page at all.
    """

    def __init__(
        self, directory: Directory, seconds: float = 60.0, role_seconds: float = 3.0
    ) -> None:
        self._directory = directory
        self._seconds = seconds
        self._role_seconds = role_seconds
        self._users: LRUCache[str, _Kept] = LRUCache(MAX_PROFILES)
        self._reading: dict[str, asyncio.Task[None]] = {}
        self._gathering: tuple[list[str], asyncio.Task[None]] | None = None
        """Whom the next reading is for."""
        self._is_away = False
        self._roles: LRUCache[str, tuple[RoleRecord | None, float]] = LRUCache(10_000)

    async def by_ids(self, ids: Iterable[str]) -> dict[str, UserRecord]:
        """A profile for every id, in at most one query; never fails.

        Somebody the directory does not have is shown as no longer active;
        somebody who cannot be looked up right now, as a plain placeholder.
        """
        wanted = list(dict.fromkeys(ids))
        oldest = time.monotonic() - self._seconds
        stale = [id for id in wanted if not (k := self._users.get(id)) or k.read_at < oldest]
        with suppress(Refusal):
            await self._read(stale)
        return {id: self._known(id) for id in wanted}

    async def confirmed(self, ids: Iterable[str], seconds: float = 0.0) -> Mapping[str, UserRecord]:
        """The people among these that the directory has, as it said at most ``seconds`` ago.

        Raises UNAVAILABLE when it cannot be asked.
        """
        wanted = list(dict.fromkeys(ids))
        oldest = time.monotonic() - seconds
        await self._read(
            [id for id in wanted if not (k := self._users.get(id)) or k.read_at <= oldest]
        )
        found = {id: self._users[id].user for id in wanted if id in self._users}
        return {id: user for id, user in found.items() if user}

    async def refresh(self, ids: Iterable[str]) -> None:
        """Look people up again, whatever is kept of them; without MongoDB, keep that."""
        wanted = list(dict.fromkeys(ids))
        with suppress(Refusal):
            for start in range(0, len(wanted), MOST_REFRESHED):
                await self._read(wanted[start : start + MOST_REFRESHED])

    async def look_again(self, ids: Iterable[str]) -> None:
        """Look those of these people up again of whom anything is kept, or about to be."""
        known = [id for id in ids if id in self._users or id in self._reading]
        # What is under way may have been asked before there was anything new to say.
        if under_way := {self._reading[id] for id in known if id in self._reading}:
            await asyncio.wait(under_way)
        await self.refresh(known)

    def doubt_roles(self) -> None:
        """Look every role up again when it is asked for; without MongoDB, keep it."""
        self._roles.update({key: (role, -inf) for key, (role, _) in self._roles.items()})

    def is_unknown(self, id: str) -> bool:
        """Whether the directory, when last asked, did not have this person, or was never asked."""
        kept = self._users.get(id)
        return kept is None or kept.user is None

    def remembered(self, id: str, seconds: float) -> UserRecord | None:
        """The person as the directory had them at most ``seconds`` ago, if they were seen then."""
        kept = self._users.get(id)
        return kept.user if kept and kept.read_at > time.monotonic() - seconds else None

    def at_hand(self, id: str) -> UserRecord | None:
        """The profile that ``by_ids`` would give without asking the directory; None if it would."""
        kept = self._users.get(id)
        if kept is None or kept.read_at < time.monotonic() - self._seconds:
            return None
        return _shown(id, kept.user)

    async def role(self, role: str) -> RoleRecord | None:
        """A role, at most ``role_seconds`` old, or older while MongoDB is out of reach.

        Raises UNAVAILABLE when it was never read.
        """
        kept = self._roles.get(role)
        if kept and kept[1] >= time.monotonic() - self._role_seconds:
            return kept[0]
        reading = asyncio.create_task(self._read_role(role))
        reading.add_done_callback(_take_note)
        # Whoever is known by their role waits a moment; what is found later is for the next one.
        await asyncio.wait([reading], timeout=PATIENCE_SECONDS if kept else None)
        if kept and (not reading.done() or isinstance(reading.exception(), Refusal)):
            return kept[0]
        return reading.result()

    async def _read_role(self, role: str) -> RoleRecord | None:
        found = await self._directory.role(role)
        self._roles[role] = (found, time.monotonic())
        return found

    async def _read(self, ids: list[str]) -> None:
        """Look these people up; those whom somebody is looking up already, with them."""
        mine = [id for id in ids if id not in self._reading]
        reads = {self._reading[id] for id in ids if id in self._reading}
        if mine:
            if self._gathering is None:
                self._gathering = [], asyncio.create_task(self._read_gathered())
            gathered, read = self._gathering
            gathered += mine
            self._reading.update(dict.fromkeys(mine, read))
            reads.add(read)
        if reads:
            # One of those who wait may be cancelled without taking it from the others.
            await asyncio.gather(*map(asyncio.shield, reads))

    async def _read_gathered(self) -> None:
        """Whoever is asked for in the same turn of the event loop is looked up together: after a
        server is lost, thousands sign in within seconds.
        """
        assert self._gathering is not None, "whoever makes the task has somebody to look up"
        (ids, _), self._gathering = self._gathering, None
        await self._read_now(ids)

    async def _read_now(self, ids: list[str]) -> None:
        try:
            found = await self._directory.users(ids)
        except Refusal as refusal:
            # Once for each outage: every operation of that time comes by here.
            if not self._is_away:
                log.warning("profiles.stale", service=refusal.service)
            self._is_away = True
            raise
        finally:
            for id in ids:
                del self._reading[id]
        if self._is_away:
            self._is_away = False
            log.info("profiles.fresh")
        now = time.monotonic()
        for id in ids:
            user, kept = found.get(id), self._users.get(id)
            # Thousands are looked up every two seconds, and nearly all of them are as they were.
            self._users[id] = _Kept(kept.user if kept and kept.user == user else user, now)

    def _known(self, id: str) -> UserRecord:
        kept = self._users.get(id)
        if kept is None:
            return UserRecord(id=id, name="Unknown person")
        return _shown(id, kept.user)


def _shown(id: str, user: UserRecord | None) -> UserRecord:
    return user or UserRecord(id=id, name="Former user", is_active=False)


def _take_note(reading: asyncio.Task[RoleRecord | None]) -> None:
    """A failure that nobody waits for any more was told as the directory's outage."""
    if not reading.cancelled():
        reading.exception()
