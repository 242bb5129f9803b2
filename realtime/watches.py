"""Watches: who in this process follows whose presence.

Presence changes by what people do, of which the bell tells, and by the mere
passing of time, which nobody can tell of: a heartbeat does not come, a status
ends, a server dies. So everybody who is watched here is looked up again every
two seconds, all in one statement, and at once after a hint.
"""

import asyncio
import contextlib
from collections.abc import Callable, Hashable

import structlog

from realtime.source import Render, Sink, Source, Together, settled
from storage import members, presences
from storage.errors import ErrorCode, Refusal, resync_required
from storage.events import Present
from storage.postgres import Database
from storage.records import PresenceRecord

POLL_SECONDS = 2.0
RETRY_SECONDS = 0.1

log = structlog.get_logger(__name__)


class Watch(Source):
    """One operation that follows some people's presence."""

    def __init__(
        self, host: "Watches", viewer_id: str, user_ids: list[str], is_client: Callable[[], bool]
    ) -> None:
        self._host = host
        self.viewer_id = viewer_id
        self.user_ids = user_ids
        self.is_client = is_client
        """Whether the viewer is, now, somebody who sees only those in a channel with them."""
        self.cohort_key: Hashable = None
        self.render: Render
        self.sink: Sink
        self.begun: asyncio.Future[None]

    async def run(self, cohort_key: Hashable, render: Render, sink: Sink) -> None:
        """Every change from here on. Raises UNAVAILABLE."""
        self.cohort_key, self.render, self.sink = cohort_key, render, sink
        self.begun = asyncio.get_running_loop().create_future()
        self._host.begin(self)
        try:
            await self.begun
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """See ``Source``."""
        self._host.end(self)


class Watches:
    """All watches of this process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.by_person: dict[str, dict[Watch, None]] = {}
        self._told: dict[str, PresenceRecord] = {}
        """How each person who is watched was last told to be."""
        self._newcomers: list[Watch] = []
        self._due: set[str] = set()
        self._wake = asyncio.Event()
        self._poll_at = 0.0

    def begin(self, watch: Watch) -> None:
        """Tell it every change from here on, once it is known how things are."""
        self._newcomers.append(watch)
        self._wake.set()

    def end(self, watch: Watch) -> None:
        """Tell it nothing more."""
        if watch in self._newcomers:
            self._newcomers.remove(watch)
        for user_id in watch.user_ids:
            watching = self.by_person.get(user_id, {})
            watching.pop(watch, None)
            if not watching:
                self.by_person.pop(user_id, None)
                self._told.pop(user_id, None)

    def hear(self, hint: Present) -> None:
        """Look this person up soon, if anybody here watches them."""
        if hint.user_id in self.by_person:
            self._due.add(hint.user_id)
            self._wake.set()

    def look_everywhere(self) -> None:
        """Hints may have been missed."""
        self._poll_at = 0.0
        self._wake.set()

    async def run(self) -> None:
        """Tell until cancelled; while the database is out of reach, what is due waits."""
        clock = asyncio.get_running_loop().time
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(self._poll_at):
                    await self._wake.wait()
            self._wake.clear()
            if clock() >= self._poll_at:
                self._poll_at = clock() + POLL_SECONDS
                self._due.update(self.by_person)
            try:
                await self._admit()
                await self._tell()
            except Refusal as refusal:
                log.warning("watches.wait", service=refusal.service)
                await asyncio.sleep(RETRY_SECONDS)
                self._wake.set()

    async def _admit(self) -> None:
        newcomers = list(self._newcomers)
        asked = {id for each in newcomers for id in each.user_ids}
        unknown = asked.difference(self._told)
        try:
            if unknown:
                self._told.update(await presences.read(self._database, list(unknown)))
        except Refusal as refusal:
            for each in newcomers:
                if not each.begun.done():
                    each.begun.set_exception(refusal)
            raise
        finally:
            self._newcomers = [each for each in self._newcomers if each not in newcomers]
        for each in newcomers:
            if not each.begun.done():
                for user_id in each.user_ids:
                    self.by_person.setdefault(user_id, {})[each] = None
                each.begun.set_result(None)
        # Those who come now may see how somebody is before the others were told, and are to hear
        # of it when that is over.
        self._due |= asked - unknown
        for user_id in unknown.difference(self.by_person):
            self._told.pop(user_id, None)

    async def _tell(self) -> None:
        due = [id for id in self._due if id in self.by_person]
        self._due.clear()
        if not due:
            return
        try:
            found = await presences.read(self._database, due)
            changed = [
                record
                for id, record in found.items()
                if id in self._told and _shown(record) != _shown(self._told[id])
            ]
            unseen = await self._unseen(changed) if changed else set()
            for record in changed:
                await self._tell_of(record, unseen)
                self._told[record.user_id] = record
        except Refusal:
            self._due.update(due)
            raise

    async def _unseen(self, changed: list[PresenceRecord]) -> set[tuple[str, str]]:
        """Which clients may not see which of these people, in one statement."""
        asked = {
            (watch.viewer_id, record.user_id)
            for record in changed
            for watch in self.by_person.get(record.user_id, ())
            if watch.viewer_id != record.user_id and watch.is_client()
        }
        return asked - await members.sharing(self._database, list(asked)) if asked else set()

    async def _tell_of(self, record: PresenceRecord, unseen: set[tuple[str, str]]) -> None:
        rendered: dict[Hashable, bytes | None] = {}
        together: Together = {}
        for watch in list(self.by_person.get(record.user_id, ())):
            if (watch.viewer_id, record.user_id) in unseen:
                continue
            if watch.cohort_key not in rendered:
                rendered[watch.cohort_key] = await _rendered(watch, record, together)
            payload = rendered[watch.cohort_key]
            if watch not in self.by_person.get(record.user_id, ()):
                continue
            if payload is None:
                self.end(watch)
                watch.sink.end(resync_required("This change could not be delivered."))
            else:
                watch.sink.send(payload, record)


async def _rendered(watch: Watch, record: PresenceRecord, together: Together) -> bytes | None:
    try:
        return await settled(watch.render(record, together))
    except Exception as error:
        if isinstance(error, Refusal) and error.code is ErrorCode.UNAVAILABLE:
            raise
        # A bug in one document's rendering concerns nobody else.
        log.exception("watches.render", user_id=record.user_id)
        return None


def _shown(record: PresenceRecord) -> tuple[str, str | None, str | None]:
    return record.status, record.status_text, record.status_emoji
