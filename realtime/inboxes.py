"""Inboxes: everybody in this process who follows their sidebar, and what changes in it.

A sidebar changes with the log of each of its channels, and with what is the
person's own, which has a revision. Hints say at once which of them moved, a
poll finds it within a second when they do not. Either way the places that are
concerned are read again, for all people together, and told.

What an inbox is guaranteed: the snapshot first; then, after any change that was
committed after the snapshot was read, the channel as it was then or later.
One task does all of it, one thing after the other, so nothing can come between
a snapshot and the changes that follow it.
"""

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from typing import TypeVar

import structlog

from realtime.inbox import (
    Inbox,
    InboxChannelChanged,
    InboxChannelRemoved,
    InboxSignal,
    InboxSnapshot,
    Reading,
)
from realtime.people import Followed, Person, Why
from realtime.source import settled
from storage import events, inbox, sidebars
from storage.errors import ErrorCode, Refusal, resync_required
from storage.events import Moved
from storage.postgres import Database
from storage.records import EventKind, Own, PlaceRecord

GATHER_SECONDS = 0.1
"""What happens in a channel within this time is told as one change."""

POLL_SECONDS = 1.0
RETRY_SECONDS = 0.1

PLACES_TOGETHER = 500
"""People's places in channels in one statement."""

PEOPLE_TOGETHER = 20
"""People whose whole sidebars are read in one statement."""

RENDERED_TOGETHER = 50

QUIET = frozenset({EventKind.REACTION_ADDED, EventKind.REACTION_REMOVED})
"""What changes nothing in a sidebar, but for those who ask for reactions there."""

Pair = tuple[str, str]
"""A person and a channel."""

T = TypeVar("T")

log = structlog.get_logger(__name__)


class Inboxes:
    """All inboxes of this process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._followed = Followed()
        self._newcomers: list[Inbox] = []
        self._moved: set[str] = set()
        self._heard: dict[str, int] = {}
        """Of channels that nobody may follow yet: what was heard while sidebars were read."""
        self._again: dict[Pair, Why] = {}
        """What could not be told."""
        self._wake = asyncio.Event()
        self._poll_at = 0.0
        self._tell_at: float | None = None
        """When to poll and to tell next, on the event loop's clock."""

    def admit(self, inbox: Inbox) -> None:
        """See ``realtime.inbox.Host``."""
        self._newcomers.append(inbox)
        self._wake.set()

    def leave(self, inbox: Inbox) -> None:
        """See ``realtime.inbox.Host``."""
        if inbox in self._newcomers:
            self._newcomers.remove(inbox)
        self._followed.leave(inbox)

    def hear(self, hint: Moved | Own) -> None:
        """A hint came; look soon if it concerns anybody here."""
        if isinstance(hint, Own):
            if self._followed.touch(hint):
                self._tell_soon()
        elif self._followed.is_behind(hint.channel_id, hint.position):
            self._moved.add(hint.channel_id)
            self._tell_soon()
        else:
            self._heard[hint.channel_id] = max(hint.position, self._heard.get(hint.channel_id, 0))

    def look_everywhere(self) -> None:
        """Hints may have been missed."""
        self._poll_at = 0.0
        self._wake.set()

    async def run(self) -> None:
        """Tell until cancelled; while the database is out of reach, what is due waits."""
        clock = asyncio.get_running_loop().time
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(min(self._poll_at, self._tell_at or self._poll_at)):
                    await self._wake.wait()
            self._wake.clear()
            try:
                if clock() >= self._poll_at:
                    self._poll_at = clock() + POLL_SECONDS
                    await self._poll()
                await self._admit()
                if self._tell_at is not None and clock() >= self._tell_at:
                    self._tell_at = None
                    await self._tell()
            except Refusal as refusal:
                log.warning("inboxes.wait", service=refusal.service)
                await asyncio.sleep(RETRY_SECONDS)
                self._tell_soon()

    def _tell_soon(self) -> None:
        if self._tell_at is None:
            self._tell_at = asyncio.get_running_loop().time() + GATHER_SECONDS
            self._wake.set()

    async def _poll(self) -> None:
        self._heard.clear()
        if not self._followed.people:
            return
        found = await sidebars.revisions(self._database, list(self._followed.people))
        if self._followed.compare(found):
            self._tell_soon()
        heads = await events.heads(self._database, list(self._followed.channels))
        moved = {id for id, head in heads.items() if self._followed.head(id) != head}
        if moved:
            self._moved |= moved
            self._tell_soon()

    async def _admit(self) -> None:
        while self._newcomers:
            admitted = self._newcomers[:RENDERED_TOGETHER]
            del self._newcomers[:RENDERED_TOGETHER]
            try:
                for each in admitted:
                    self._followed.expect(each)
                found = await self._sidebars(list({each.viewer_id for each in admitted}))
            except Refusal as refusal:
                for each in admitted:
                    _settle(each, refusal)
                raise
            reading = Reading()
            await asyncio.gather(
                *(self._welcome(each, found[each.viewer_id], reading) for each in admitted)
            )

    async def _sidebars(self, user_ids: Sequence[str]) -> dict[str, list[PlaceRecord]]:
        """These people's places; from here on they are followed."""
        found: dict[str, list[PlaceRecord]] = {}
        for some in _parts(user_ids, PEOPLE_TOGETHER):
            # Before the places: what changes in between is looked at again.
            revisions = await sidebars.revisions(self._database, some)
            found.update((id, []) for id in some)
            places = await inbox.of_people(self._database, some)
            for place in places:
                found[place.member.user_id].append(place)
            new = {id for id in some if self._followed.begin(id, revisions.get(id, 0), found[id])}
            # The other devices are told of what is new to them at once. Later it may be as it was
            # before, and that would be news to those who come now alone.
            known = [place for place in places if place.member.user_id not in new]
            pairs = {(place.member.user_id, place.channel.id): Why.OWN for place in known}
            await self._tell_places(pairs, known)
        for channel_id, position in self._heard.items():
            if self._followed.is_behind(channel_id, position):
                self._moved.add(channel_id)
                self._tell_soon()
        return found

    async def _welcome(self, each: Inbox, places: list[PlaceRecord], reading: Reading) -> None:
        shown = [place for place in places if place.is_shown]
        snapshot = InboxSnapshot(shown, Person.total_of(places), reading)
        try:
            payload = await settled(each.render(snapshot, {}))
        except Exception as error:
            _settle(each, error)
            return
        assert payload is not None, "an inbox wants every signal"
        if self._followed.join(each):
            each.sink.send(payload, snapshot)
            _settle(each)

    async def _tell(self) -> None:
        moved, self._moved = self._moved, set()
        pairs, self._again = self._again, {}
        whole, own = self._followed.take_touched()
        pairs.update((pair, Why.OWN) for pair in own if pair not in pairs)
        try:
            pairs.update(await self._concerned(moved))
            moved = set()
            for some in _parts(list(pairs.items()), PLACES_TOGETHER):
                wanted = dict(some)
                await self._tell_places(wanted, await inbox.places(self._database, list(wanted)))
                for pair in wanted:
                    del pairs[pair]
            while whole:
                user_ids = whole[:PEOPLE_TOGETHER]
                await self._tell_people(user_ids)
                del whole[:PEOPLE_TOGETHER]
        except Refusal:
            self._moved |= moved
            self._again.update(pairs)
            self._followed.give_back(whole)
            raise

    async def _concerned(self, moved: set[str]) -> dict[Pair, Why]:
        """Who is to be told of these channels' moves."""
        positions = {id: head.position for id in moved if (head := self._followed.head(id))}
        if not positions:
            return {}
        pairs: dict[Pair, Why] = {}
        for id, (head, kinds) in (await inbox.since(self._database, positions)).items():
            # Nothing there: trimmed already, or another log.
            why = Why.QUIET if kinds and kinds <= QUIET else Why.MOVED
            pairs.update(((user_id, id), why) for user_id in self._followed.move(id, head, why))
        return pairs

    async def _tell_people(self, user_ids: list[str]) -> None:
        people = [person for id in user_ids if (person := self._followed.people.get(id))]
        revisions = await sidebars.revisions(self._database, user_ids)
        places = await inbox.of_people(self._database, user_ids)
        pairs = {(place.member.user_id, place.channel.id): Why.OWN for place in places}
        for person in people:
            person.revision = revisions.get(person.id, 0)
            pairs.update(((person.id, channel_id), Why.OWN) for channel_id in person.places)
        await self._tell_places(pairs, places)

    async def _tell_places(self, pairs: dict[Pair, Why], places: list[PlaceRecord]) -> None:
        """Compare these places with what was told of them, and tell what is new."""
        found = {(place.member.user_id, place.channel.id): place for place in places}
        changes = [
            (person, pair, found.get(pair), loud)
            for pair, why in pairs.items()
            if (person := self._followed.people.get(pair[0]))
            and (loud := self._followed.take(person, pair[1], found.get(pair), why)) is not None
        ]
        reading = Reading()
        told = [
            (each, person, pair, _signal(person, pair[1], place, reading))
            for person, pair, place, loud in changes
            for each in person.inboxes
            if loud or each.hears_reactions
        ]
        for some in _parts(told, RENDERED_TOGETHER):
            payloads = await asyncio.gather(
                *(settled(each.render(signal, {})) for each, _, _, signal in some),
                return_exceptions=True,
            )
            for (each, person, pair, signal), payload in zip(some, payloads, strict=True):
                if each in person.inboxes:
                    self._send(each, pair, signal, payload)

    def _send(
        self,
        each: Inbox,
        pair: Pair,
        signal: InboxSignal,
        payload: bytes | BaseException | None,
    ) -> None:
        if isinstance(payload, bytes):
            each.sink.send(payload, signal)
        elif isinstance(payload, Refusal) and payload.code is ErrorCode.UNAVAILABLE:
            log.warning("inboxes.wait", service=payload.service)
            self._again[pair] = Why.AGAIN
            self._tell_soon()
        else:
            # A bug in one document's rendering concerns nobody else.
            log.error("inboxes.render", channel_id=pair[1], exc_info=payload)
            self.leave(each)
            each.sink.end(resync_required("This change could not be delivered."))


def _parts(items: Sequence[T], size: int) -> Iterator[list[T]]:
    for start in range(0, len(items), size):
        yield list(items[start : start + size])


def _signal(
    person: Person, channel_id: str, place: PlaceRecord | None, reading: Reading
) -> InboxSignal:
    if place is None:
        return InboxChannelRemoved(channel_id, person.total(), reading)
    return InboxChannelChanged(place, person.total(), reading)


def _settle(each: Inbox, error: Exception | None = None) -> None:
    if each.admitted.done():
        return
    if error:
        each.admitted.set_exception(error)
    else:
        each.admitted.set_result(None)
