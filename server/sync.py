"""Keeping channels in step with the directory: one process of all does it.

It looks at everything when it begins and every minute, and at what has changed as soon
as MongoDB tells. Where MongoDB does not tell, it asks every two seconds whether what the
directory says of who belongs where is the same, so that nobody keeps for long what they
have lost.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import structlog

from realtime.live import Live
from realtime.tasks import running
from resolvers.directory_rules import DirectoryRules, folded
from resolvers.reconciling import Done, EmptyDirectory, Reconciler
from server.services import open_directory
from server.settings import Settings
from storage import events, locks
from storage.census import Census, Company, Kind
from storage.directory_feed import Feed
from storage.errors import Refusal
from storage.events import Moved
from storage.incarnation import recognise
from storage.locks import Lock
from storage.postgres import Connection, Database
from storage.records import ChannelType
from storage.sight import Role

CONNECTIONS = 2
"""One for the locks, one to write."""

FOLLOW_SECONDS = 1.0
"""How often the other processes try whether there is still one that does it."""

SETTLE_SECONDS = 1.0
"""How long to wait for change streams before looking without them."""

GATHER_SECONDS = 0.05
"""What changes together in the directory is looked at together."""

AGAIN_SECONDS = 1.0
"""After MongoDB was out of reach."""

ASK_SECONDS = 2.0
"""How often to ask whether anything has changed, where changes are not told."""

ASK_SHARE = 4
"""Asking takes no more than one in this many of the seconds, however large the directory is."""

PASS_SECONDS = 1.0
"""How long a pass goes on when something else has changed since it began."""

COMMAND_SECONDS = 120.0
"""How long ``backchannel sync`` waits for a pass under way, and for each statement."""

log = structlog.get_logger(__name__)


class Sync:
    """The work of the one process, and the waiting of the others."""

    def __init__(
        self, database: Database, census: Census, live: Live, rules: DirectoryRules, seconds: float
    ) -> None:
        self._database = database
        self._census = census
        self._live = live
        self._reconciler = Reconciler(database, rules)
        self._rules = rules
        self._seconds = seconds
        self._digest: bytes | None = None
        """Of the directory as it was before the last look at everything; None while changes are
        told.
        """

    async def run(self) -> None:
        """Keep channels in step, or wait for whoever does to end, until cancelled."""
        while True:
            try:
                async with (
                    self._database.reading() as connection,
                    locks.held(connection, Lock.LEADER) as leads,
                ):
                    if leads:
                        log.info("sync.leads")
                        await self._lead(connection)
            except Refusal as refusal:
                log.warning("sync.waits", service=refusal.service)
            # Jitter, so that those who wait do not all ask at the same time.
            await asyncio.sleep(FOLLOW_SECONDS * random.uniform(0.5, 1.0))  # noqa: S311

    async def _lead(self, connection: Connection) -> None:
        """Raises UNAVAILABLE when PostgreSQL is out of reach, and with it the lock."""
        feed = Feed(self._census)
        clock = asyncio.get_running_loop().time
        company: Company | None = None
        is_current = False
        look_at = 0.0
        async with running("directory feed", feed.run):
            with suppress(TimeoutError):
                async with asyncio.timeout(SETTLE_SECONDS):
                    await feed.settled()
            while True:
                changed = feed.take()
                asked_at = clock()
                # Before looking: what changes meanwhile is another digest the next time.
                digest = None if feed.is_live else await self._ask()
                ask_at = asked_at + max(ASK_SECONDS, ASK_SHARE * (clock() - asked_at))
                if not is_current or clock() >= look_at or digest != self._digest:
                    changed = None
                now = await self._look(connection, company, changed, self._is_past(feed, ask_at))
                is_current = now is not None
                # What was known last is what the others are to be told the difference from.
                company = now or company
                if not is_current:
                    look_at = clock() + AGAIN_SECONDS
                elif changed is None:
                    self._digest = digest
                    look_at = clock() + self._seconds
                if not (is_current and self._reconciler.is_behind):
                    with suppress(TimeoutError):
                        async with asyncio.timeout_at(
                            look_at if feed.is_live else min(look_at, ask_at)
                        ):
                            await feed.something()
                await asyncio.sleep(GATHER_SECONDS)

    async def _ask(self) -> bytes | None:
        """The digest of the directory; None while nobody can say."""
        with suppress(Refusal):
            return await self._census.digest()
        return None

    def _is_past(self, feed: Feed, ask_at: float) -> Callable[[], bool]:
        """What answers, during a pass, whether to begin with what is new instead."""
        clock = asyncio.get_running_loop().time
        enough_at = clock() + PASS_SECONDS

        def is_past() -> bool:
            now = clock()
            return now >= enough_at and (feed.has_something if feed.is_live else now >= ask_at)

        return is_past

    async def _look(
        self,
        connection: Connection,
        company: Company | None,
        changed: dict[Kind, set[object]] | None,
        is_past: Callable[[], bool],
    ) -> Company | None:
        """Compare and write; ``changed`` is None for everything. Answers what the directory says
        now, None when it could not say or somebody else is comparing.
        """
        async with locks.held(connection, Lock.PASS) as ours:
            if not ours:
                return None
            whole = company is None or changed is None
            try:
                now = (
                    await self._census.take()
                    if company is None or changed is None
                    else await self._census.retake(company, changed)
                )
            except Refusal as refusal:
                log.warning("sync.waits", service=refusal.service)
                return None
            if company:
                self._tell(company, now)
            if whole or now != company or self._reconciler.is_behind:
                await self._reconcile(now, is_past, afresh=whole)
            return now

    async def _reconcile(
        self, company: Company, is_past: Callable[[], bool], *, afresh: bool
    ) -> None:
        if not self._rules.types:
            return
        try:
            done = await self._reconciler.reconcile(company, afresh=afresh, is_past=is_past)
        except EmptyDirectory:
            log.error("sync.empty_directory")
            return
        if done:
            log.info(
                "sync.done",
                channels=len(done),
                made=sum(each.is_new for each in done),
                joined=sum(each.joined for each in done),
                left=sum(each.left for each in done),
            )

    def _tell(self, before: Company, now: Company) -> None:
        """Let sessions and profiles follow at once."""
        if before.roles != now.roles:
            self._live.tell_directory(None)
            return
        was, people = before.people, now.people
        changed = [id for id in was.keys() | people.keys() if was.get(id) != people.get(id)]
        if changed:
            self._live.tell_directory(changed)


def rules(settings: Settings) -> DirectoryRules:
    """The rules under these settings."""
    return DirectoryRules(
        frozenset(ChannelType(kind.upper()) for kind in settings.directory_channels),
        settings.general_channel_name,
        frozenset(map(folded, settings.general_departments)),
    )


@asynccontextmanager
async def open_database(settings: Settings, timeout: float) -> AsyncIterator[Database]:
    """A pool of its own, past any pooler: locks belong to connections."""
    database = await Database.connect(
        settings.past_poolers,
        role=Role.SYNC,
        min_size=0,
        max_size=CONNECTIONS,
        timeout=timeout,
        name="backchannel sync",
        init=_prepared,
    )
    try:
        yield database
    finally:
        await database.close()


async def sync_once(settings: Settings) -> list[Done]:
    """Bring channels in step, now. Raises UNAVAILABLE, and EmptyDirectory."""
    moved: dict[str, int] = {}
    async with (
        open_database(settings, COMMAND_SECONDS) as database,
        open_directory(settings) as directory,
    ):
        database.on_commit = moved.update
        try:
            async with (
                database.reading() as connection,
                locks.held(connection, Lock.PASS, wait=True),
            ):
                company = await Census(directory).take()
                return await Reconciler(database, rules(settings)).reconcile(company)
        finally:
            await events.notify(database, [Moved(*item) for item in moved.items()])


async def _prepared(connection: object) -> None:
    await recognise(connection)
    await locks.keep_alive(connection)
