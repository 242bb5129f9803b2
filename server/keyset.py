"""The public keys that sign tokens, as an issuer publishes them (JWKS)."""

import asyncio
from time import monotonic
from typing import Final

import jwt
import structlog

from storage.errors import unavailable

FRESH: Final = 300.0
"""Seconds after which the set is fetched again, while the keys known go on serving."""
KEPT: Final = 86_400.0
"""Seconds the keys known serve at most while the set cannot be fetched."""
PAUSE: Final = 10.0
"""Seconds between two fetches, so that made-up key ids cannot have us ask the issuer each time."""
RETRY: Final = 1.0
"""The same after a fetch that failed."""
TIMEOUT: Final = 5.0
"""Seconds a fetch may take."""

ALGORITHMS: Final = frozenset({"RS256", "ES256", "EdDSA"})

log = structlog.get_logger(__name__)


async def fetch(url: str) -> list[jwt.PyJWK]:
    """The set's keys that can sign a token we accept.

    Raises what urllib, json and PyJWT raise; TimeoutError after ``TIMEOUT`` seconds.
    """
    client = jwt.PyJWKClient(url, cache_jwk_set=False, timeout=TIMEOUT)
    # The client blocks. Its own limit is for one read; a server that drips would go on for ever.
    async with asyncio.timeout(TIMEOUT):
        published = await asyncio.to_thread(client.get_jwk_set)
    return [
        key
        for key in published
        if key.algorithm_name in ALGORITHMS
        and key.public_key_use in (None, "sig")
        and key.Algorithm.check_key_length(key.key) is None
    ]


class KeySet:
    """The keys at one address, fetched when first needed and then kept up to date."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._keys: list[jwt.PyJWK] = []
        self._fetched_at = float("-inf")
        self._next_fetch = float("-inf")
        self._failed = False
        self._fetching: asyncio.Task[None] | None = None

    async def find(self, algorithm: str, key_id: str | None) -> jwt.PyJWK | None:
        """The key for a token that names this algorithm and key; None if there is none.

        The key decides its algorithm; a token that names another finds nothing. A token
        without a key id finds the only key there is.

        Refuses with UNAVAILABLE if that cannot be known because the set cannot be fetched.
        """
        if algorithm not in ALGORITHMS:
            return None
        now = monotonic()
        if now > self._fetched_at + KEPT:
            self._keys = []
        key = self._match(algorithm, key_id)
        if key is None or now > self._fetched_at + FRESH:
            task = self._refresh(now)
            if key is None and task is not None:
                # Shielded: others wait for the same fetch when one of them gives up.
                await asyncio.shield(task)
                key = self._match(algorithm, key_id)
        if key is None and self._failed:
            raise unavailable("jwks")
        return key

    def _match(self, algorithm: str, key_id: str | None) -> jwt.PyJWK | None:
        matches = [
            key
            for key in self._keys
            if key.algorithm_name == algorithm and key_id in (None, key.key_id)
        ]
        return matches[0] if len(matches) == 1 else None

    def _refresh(self, now: float) -> asyncio.Task[None] | None:
        """The fetch under way, or a new one; None if it is too early for another."""
        if self._fetching is None and now >= self._next_fetch:
            self._fetching = asyncio.create_task(self._fetch())
        return self._fetching

    async def _fetch(self) -> None:
        try:
            self._keys = await fetch(self._url)
        except Exception as error:
            # Whatever the issuer answers, the keys we have stay good.
            self._failed = True
            log.warning("key set not fetched", reason=type(error).__name__)
        else:
            self._failed = False
            self._fetched_at = monotonic()
        finally:
            self._next_fetch = monotonic() + (RETRY if self._failed else PAUSE)
            self._fetching = None
