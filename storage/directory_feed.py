"""The feed: what changes in the directory, as MongoDB's change streams tell it.

A stream a collection, each going on from its resume token when its line was lost.
Where MongoDB has no change streams (a server without a replica set, a user who may
not watch), the feed says so and tries again now and then.
"""

import asyncio
import inspect
import time
from collections.abc import Hashable
from typing import Any

import structlog
from pymongo.errors import OperationFailure, PyMongoError

from storage.census import MAX_CHANGED, Census, Kind
from storage.directory import Document

AGAIN_SECONDS = 1.0
"""After a lost line."""

UNSUPPORTED_SECONDS = 60.0
"""After MongoDB said that it has no change streams."""

PACE_SECONDS = 0.1
"""Between two questions whether there is anything new."""

UNSUPPORTED = frozenset({13, 18, 20, 59, 8000, 40324, 40573})
"""MongoDB's codes for it: Unauthorized, AuthenticationFailed, IllegalOperation, CommandNotFound,
Atlas's own error, unrecognized stage, and $changeStream without a replica set."""

log = structlog.get_logger(__name__)


class Feed:
    """What has changed since somebody last took it."""

    def __init__(self, census: Census) -> None:
        self._census = census
        self._changed: dict[Kind, set[Any]] = {kind: set() for kind in Kind}
        self._missed = False
        self._tokens: dict[Kind, Document] = {}
        self._live: set[Kind] = set()
        self._tried: set[Kind] = set()
        self._something = asyncio.Event()
        self._settled = asyncio.Event()

    @property
    def has_something(self) -> bool:
        """Whether there is something to take."""
        return self._something.is_set()

    @property
    def is_live(self) -> bool:
        """Whether every change is told at once."""
        return len(self._live) == len(Kind)

    async def settled(self) -> None:
        """Return when it is known of every collection whether its changes are told."""
        await self._settled.wait()

    async def something(self) -> None:
        """Return when there is something to take, or changes are not told any more."""
        await self._something.wait()

    def take(self) -> dict[Kind, set[Any]] | None:
        """What has changed, by ``_id``; None when that may be anything."""
        changed, missed = self._changed, self._missed
        self._changed, self._missed = {kind: set() for kind in Kind}, False
        self._something.clear()
        return None if missed else changed

    async def run(self) -> None:
        """Hear of changes until cancelled; survives whatever MongoDB says."""
        async with asyncio.TaskGroup() as streams:
            for kind in Kind:
                streams.create_task(self._follow(kind), name=f"feed of {kind}s")

    async def _follow(self, kind: Kind) -> None:
        while True:
            pause = AGAIN_SECONDS
            try:
                await self._listen(kind)
                # MongoDB ends a stream when its collection is dropped or renamed.
                self._tokens.pop(kind, None)
            except OperationFailure as error:
                # Wherever the token led, we cannot go on from there.
                self._tokens.pop(kind, None)
                if error.code in UNSUPPORTED:
                    pause = UNSUPPORTED_SECONDS
                log.info("feed.refused", kind=kind, code=error.code)
            except (PyMongoError, OSError) as error:
                log.warning("feed.lost", kind=kind, error=type(error).__name__)
            except Exception:
                # Of nonsense on the line, the driver makes whatever Python makes of it.
                self._tokens.pop(kind, None)
                log.warning("feed.nonsense", kind=kind, exc_info=True)
            _insist_on_cancellation()
            if kind in self._live:
                self._live.discard(kind)
                # Whoever relies on being told has to ask from now on.
                self._something.set()
            self._note_tried(kind)
            await asyncio.sleep(pause)

    async def _listen(self, kind: Kind) -> None:
        token = self._tokens.get(kind)
        stream = self._census.directory.watch(self._census.collection(kind), token)
        if inspect.isawaitable(stream):
            stream = await stream
        async with stream:
            if token is None:
                # Of what was before nobody tells.
                self._miss()
            self._live.add(kind)
            self._note_tried(kind)
            while stream.alive:
                asked = time.monotonic()
                change = await stream.try_next()
                _insist_on_cancellation()
                if change is not None:
                    self._hear(kind, change)
                if token := stream.resume_token:
                    self._tokens[kind] = token
                if change is None:
                    # For a server that does not wait with its answer.
                    await asyncio.sleep(asked + PACE_SECONDS - time.monotonic())

    def _hear(self, kind: Kind, change: Document) -> None:
        id = change.get("documentKey", {}).get("_id")
        # It may be a document itself.
        if id is None or not isinstance(id, Hashable) or len(self._changed[kind]) >= MAX_CHANGED:
            self._miss()
        else:
            self._changed[kind].add(id)
            self._something.set()

    def _miss(self) -> None:
        self._missed = True
        self._something.set()

    def _note_tried(self, kind: Kind) -> None:
        self._tried.add(kind)
        if len(self._tried) == len(Kind):
            self._settled.set()


def _insist_on_cancellation() -> None:
    """A driver may take being cancelled for a line that was lost, or for nothing at all."""
    task = asyncio.current_task()
    if task and task.cancelling():
        raise asyncio.CancelledError
