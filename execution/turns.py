"""Turns: who comes with thousands begins with a few, and not with all of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

AT_ONCE = 100

PATIENCE_SECONDS = 0.25


class Turns:
    """So many at a time, in the order in which they came.

    What is begun holds more than what waits, and with thousands at once that is
    memory which the process never gives back. Whose turn takes longer than usual, because a
    server behind us does, goes on and lets the next one begin beside them: nobody
    waits for an answer that somebody else does not get.
    """

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(AT_ONCE)

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """The block is a turn."""
        await self._free.acquire()
        is_over = False

        def over() -> None:
            nonlocal is_over
            if not is_over:
                is_over = True
                self._free.release()

        late = asyncio.get_running_loop().call_later(PATIENCE_SECONDS, over)
        try:
            yield
        finally:
            late.cancel()
            over()
