"""Wires: what a connection writes to.

ASGI has an await for each message of each connection. Where one event goes to
thousands of them, that is most of the work; so uvicorn's own protocols, with a
method added that writes at once, are what we write to.
"""

from collections.abc import Callable
from typing import Protocol


class Wire(Protocol):
    """What takes a connection's messages without an await."""

    on_shutdown: Callable[[], None] | None
    """Called instead of closing when the server goes down; has to end the connection itself."""

    def write(self, message: bytes) -> bool:
        """Write a message; False, with nothing written, while the reader must catch up first.

        On a connection that is closed or closing, the message is dropped: as it
        would be if it had been a moment later on its way.
        """

    async def wait_until_writable(self) -> None:
        """Return when ``write`` takes messages again, or when the connection is lost."""
