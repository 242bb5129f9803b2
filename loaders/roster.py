"""The roster: everybody in the directory who is active, in the order of their names.

MongoDB cannot compare names with accents aside, and would look at everybody
for each search. A process keeps them instead, folded once, and notices when
somebody comes or goes.
"""

import asyncio
import time
from typing import NamedTuple
from unicodedata import category, normalize

import structlog

from storage.directory import Directory
from storage.errors import Refusal
from storage.records import UserRecord

REFRESH_SECONDS = 5.0
"""The age at which it is read again, while whoever asked is served with it as it is."""

REFRESH_SHARE = 30
"""Reading takes no more than one in this many of the seconds, however many people there are."""

OUTDATED = -1
"""No directory has so many people."""

SORTED_BY = 80
"""Characters of a name that decide its place: as much of it as a cursor can carry."""

_UNSEEN = frozenset({"Mn", "Me", "Cf"})
"""Categories of characters that stand on others, or show nothing (Unicode, General_Category)."""

_PLAIN = str.maketrans(
    {"æ": "ae", "Æ": "ae", "œ": "oe", "Œ": "oe", "þ": "th", "Þ": "th"}
    | dict(zip("øØłŁđĐðÐħĦıŧŦĸ", "oollddddhhittk", strict=True))
)
"""Letters that Unicode takes for no other letter with an accent, and people do."""

log = structlog.get_logger(__name__)


def folded(text: str) -> str:
    """The text as a search compares it: case and accents aside, a letter is a letter."""
    if text.isascii():
        return text.casefold().replace("\x00", "")
    parts = normalize("NFKD", text)
    seen = "".join(part for part in parts if category(part) not in _UNSEEN and part != "\x00")
    return seen.translate(_PLAIN).casefold()


class Entry(NamedTuple):
    """Somebody on the roster; entries compare in its order."""

    place: str
    """The beginning of their folded name."""
    id: str
    name: str
    """Their name, folded."""
    text: str
    """The same and their address, folded, on two lines."""
    person: UserRecord


class _Kept(NamedTuple):
    entries: list[Entry]
    size: int
    read_at: float
    took: float


class Roster:
    """Everybody, read from the directory when it has changed, at most ``seconds`` ago."""

    def __init__(self, directory: Directory, seconds: float = 60.0) -> None:
        self._directory = directory
        self._seconds = seconds
        self._kept: _Kept | None = None
        self._reading: asyncio.Task[None] | None = None
        self._changes = 0
        """How often it was outdated."""

    async def people(self) -> list[Entry]:
        """Everybody, in order. Who has come or gone is noticed at once, and so is who has changed
        if it was outdated for them; else within ``seconds``, and within five where somebody
        searches all the time.

        Raises UNAVAILABLE.
        """
        size = await self._directory.size()
        if not self._serves(size):
            # A reading that is under way may have begun before the change.
            await self._read()
            if not self._serves(size):
                await self._read()
        assert self._kept is not None, "it was read"
        if self._reading is None and self._is_due(self._kept):
            self._begin()
        return self._kept.entries

    def outdate(self) -> None:
        """Read it again before it serves: somebody on it is known to have changed."""
        self._changes += 1
        self._kept = self._kept and self._kept._replace(size=OUTDATED)

    def _serves(self, size: int) -> bool:
        kept = self._kept
        return bool(kept and kept.size == size and kept.read_at >= time.monotonic() - self._seconds)

    def _is_due(self, kept: _Kept) -> bool:
        rest = max(REFRESH_SECONDS, REFRESH_SHARE * kept.took)
        return kept.read_at + rest < time.monotonic()

    def _begin(self) -> asyncio.Task[None]:
        if self._reading is None:
            self._reading = asyncio.create_task(self._read_now(), name="roster")
            # Whoever waits for it may be gone when it fails.
            self._reading.add_done_callback(_note)
        return self._reading

    async def _read(self) -> None:
        # One of those who wait may be cancelled without taking it from the others.
        await asyncio.shield(self._begin())

    async def _read_now(self) -> None:
        try:
            known = {entry.id: entry for entry in (self._kept.entries if self._kept else ())}
            began, changes = time.monotonic(), self._changes
            # Before the people: whoever comes meanwhile is noticed the next time.
            size = await self._directory.size()
            entries: list[Entry] = []
            async for people in self._directory.everybody():
                entries += [_kept_entry(person, known.get(person.id)) for person in people]
            entries.sort()
            if changes != self._changes:
                size = OUTDATED
            self._kept = _Kept(entries, size, began, time.monotonic() - began)
        finally:
            self._reading = None


def entry_of(person: UserRecord) -> Entry:
    """Somebody as a search looks at them."""
    name, email = (" ".join(folded(text or "").split()) for text in (person.name, person.email))
    return Entry(name[:SORTED_BY], person.id, name, f"{name}\n{email}", person)


def _kept_entry(person: UserRecord, known: Entry | None) -> Entry:
    return known if known and known.person == person else entry_of(person)


def _note(reading: asyncio.Task[None]) -> None:
    error = None if reading.cancelled() else reading.exception()
    if isinstance(error, Refusal):
        log.warning("roster.stale", service=error.service)
    elif error:
        log.error("roster.failed", exc_info=error)
