"""Change streams that wait on the server, as MongoDB's do.

nx-27017 answers at once when there is nothing new, and whoever follows a stream has to ask
again and again.
"""

import threading
import time
from typing import Any

from nx_27017.handler import NeoSQLiteHandler

WRITES = frozenset(
    {
        "bulkWrite",
        "commitTransaction",
        "delete",
        "drop",
        "dropDatabase",
        "findAndModify",
        "insert",
        "renameCollection",
        "update",
    }
)

Answer = tuple[int, dict[str, Any]]


class WaitingHandler(NeoSQLiteHandler):  # type: ignore[misc]
    """Answers a question for more of a change stream when there is more, or after ``maxTimeMS``.

    Each one that waits takes a thread of the server's.
    """

    def __init__(self, data_dir: str) -> None:
        super().__init__(data_dir=data_dir)
        self._written = threading.Condition()
        self._writes = 0
        self._is_closing = False

    def handle_command(self, msg: dict[str, Any]) -> Answer:
        """See the class."""
        command: dict[str, Any] = dict(msg["sections"]).get("body") or {}
        seconds = (command.get("maxTimeMS") or 0) / 1000 if "getMore" in command else 0
        until = time.monotonic() + seconds
        while True:
            seen = self._writes
            answer: Answer = super().handle_command(msg)
            if not WRITES.isdisjoint(command):
                self._wake()
            if not seconds or not _is_empty(answer[1]) or not self._wait(seen, until):
                return answer

    def handle_insert(self, msg: dict[str, Any]) -> Answer:
        """What is written is told to whoever waits."""
        answer: Answer = super().handle_insert(msg)
        self._wake()
        return answer

    def close_all(self) -> None:
        """Close everything; nobody waits any more."""
        self._is_closing = True
        self._wake()
        super().close_all()

    def _wake(self) -> None:
        with self._written:
            self._writes += 1
            self._written.notify_all()

    def _wait(self, seen: int, until: float) -> bool:
        """Whether something was written since ``seen``, until then."""
        with self._written:
            self._written.wait_for(lambda: self._writes != seen, until - time.monotonic())
            return self._writes != seen and not self._is_closing


def _is_empty(answer: dict[str, Any]) -> bool:
    cursor = answer.get("cursor") or {}
    return cursor.get("nextBatch") == [] and bool(cursor.get("id"))
