"""Rates: how often one person may do what costs something.

A limit is so many a minute, over all processes: that many at once, and again as
they come back. PostgreSQL keeps count; a process takes shares of a hundredth
from there, so that who sends message after message makes it ask for one in a
hundredth of the limit, and gives the first share of each minute by itself, so
that ordinary people never make it ask at all.

Over m minutes all processes together let through no more than m + 1 times the limit
and, for each process and minute, two hundredths of it: the share given unasked, and
the one that was taken earlier and not used until then. Limits below 100 are exact.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import ceil
from time import monotonic

from cachetools import TTLCache

from storage import rates
from storage.errors import ErrorCode, Refusal
from storage.postgres import Database

SHARES = 100
MINUTE = 60.0
REMEMBERED = 100_000
"""Purses, of who did anything in the last minute; beyond, the longest unused begin anew."""


class Kind(StrEnum):
    """What is counted. Each mutation counts as one of the first three."""

    SENDS = "sends"
    UPLOADS = "uploads"
    MUTATIONS = "mutations"
    SUBSCRIPTIONS = "subscriptions"
    SOCKETS = "sockets"
    STRANGERS = "strangers"
    """Requests and sockets of nobody who is signed in, for each address."""


@dataclass(slots=True, eq=False)
class _Purse:
    """What this process may let through without asking; empty again a minute after it was made."""

    left: int
    empty_until: float = 0.0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class Rates:
    """The limits: ``per_minute`` of each kind, 0 or nothing for as often as they like."""

    def __init__(self, database: Database, per_minute: Mapping[Kind, int]) -> None:
        self._database = database
        self._per_minute = per_minute
        self._purses: TTLCache[tuple[Kind, str], _Purse] = TTLCache(REMEMBERED, MINUTE)

    async def take(self, kind: Kind, who: str) -> None:
        """Count one. Raises RATE_LIMITED with the seconds until there is another."""
        limit = self._per_minute.get(kind, 0)
        if not limit:
            return
        purse = self._purses.get((kind, who))
        if purse is None:
            purse = self._purses[kind, who] = _Purse(limit // SHARES)
        if not purse.left:
            # One question at a time; what it brings is for those who wait as well.
            async with purse.turn:
                if not purse.left:
                    await self._fill(purse, kind, who, limit)
        purse.left -= 1

    def is_spent(self, kind: Kind, who: str) -> bool:
        """Whether this process was told that nothing is left, and nothing has come back yet."""
        purse = self._purses.get((kind, who))
        return purse is not None and monotonic() < purse.empty_until

    async def forget(self) -> None:
        """Drop what is kept of those who did nothing lately."""
        await rates.forget(self._database)

    async def _fill(self, purse: _Purse, kind: Kind, who: str, limit: int) -> None:
        wait = purse.empty_until - monotonic()
        if wait <= 0:
            share = max(1, limit // SHARES)
            purse.left, wait = await rates.take(self._database, kind, who, limit, share)
        if not purse.left:
            purse.empty_until = monotonic() + wait
            raise Refusal(
                ErrorCode.RATE_LIMITED,
                f"Too many {kind} within a minute; the limit is {limit:,}.",
                retry_after=max(1, ceil(wait)),
            )
