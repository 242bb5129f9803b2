"""Whether this process lives, and whether it can serve."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from time import monotonic
from typing import Final, Literal

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from server.probes import explain

LIMIT: Final = 2.0
"""Seconds a check may take."""
FRESH: Final = 1.0
"""Seconds an answer is given again, so that asking us often does not ask the servers often."""

OK: Final = "ok"

log = structlog.get_logger(__name__)


class Health:
    """The endpoints ``/healthz`` and ``/readyz``.

    A check returns when its server can be used and raises when it cannot. Without
    the servers named in ``optional`` we are degraded and still ready.
    """

    def __init__(
        self,
        checks: Mapping[str, Callable[[], Awaitable[object]]],
        *,
        optional: Collection[str] = (),
    ) -> None:
        self._checks = dict(checks)
        self._optional = frozenset(optional)
        self._found = dict.fromkeys(self._checks, OK)
        self._found_at = float("-inf")
        self._lock = asyncio.Lock()

    async def live(self, _: Request) -> Response:
        """200 as long as the process answers: a restart is no cure for what else is wrong."""
        return _answer(200, {"status": OK})

    async def ready(self, _: Request) -> Response:
        """200 if requests can be served, else 503; with what is wrong of each server."""
        found = await self._look()
        status = self._status(found)
        return _answer(503 if status == "unavailable" else 200, {"status": status, "checks": found})

    def _status(self, found: Mapping[str, str]) -> Literal["ok", "degraded", "unavailable"]:
        failed = {name for name, line in found.items() if line != OK}
        if failed - self._optional:
            return "unavailable"
        return "degraded" if failed else "ok"

    async def _look(self) -> dict[str, str]:
        async with self._lock:
            if monotonic() >= self._found_at + FRESH:
                lines = await asyncio.gather(*map(self._check, self._checks.values()))
                found = dict(zip(self._checks, lines, strict=True))
                for name, line in found.items():
                    if line != self._found[name]:
                        log.warning("health changed", server=name, state=line)
                self._found, self._found_at = found, monotonic()
            return self._found

    @staticmethod
    async def _check(check: Callable[[], Awaitable[object]]) -> str:
        try:
            async with asyncio.timeout(LIMIT):
                await check()
        except Exception as error:
            # Whatever it is, it is what the one who asks wants to know.
            return explain(error)
        return OK


def _answer(status: int, content: Mapping[str, object]) -> Response:
    return JSONResponse(content, status, headers={"Cache-Control": "no-store"})
