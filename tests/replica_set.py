"""A replica set of one member, whose change streams end and fail as MongoDB's manual has it.

The embedded server is asked for everything; what it never does by itself, it is told to do.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from neosqlite.collection import query_helper
from nx_27017.server import handle_client

from server.embedded.mongo_waiting import Answer, WaitingHandler

Step = Literal["open", "more"]
"""Of a change stream: ``aggregate``, and ``getMore``."""


@dataclass(frozen=True)
class Fault:
    """What is answered once, in place of what would be."""

    answer: dict[str, Any]

    @classmethod
    def error(cls, code: int, name: str, *labels: str) -> "Fault":
        """A refusal (https://www.mongodb.com/docs/manual/reference/error-codes/)."""
        said = {"code": code, "codeName": name, "errmsg": name, "errorLabels": list(labels)}
        return cls({"ok": 0, **said})

    @classmethod
    def end(cls, *events: dict[str, Any]) -> "Fault":
        """These events, and that the stream is over."""
        cursor = {"id": 0, "ns": "erp.users", "nextBatch": list(events)}
        return cls({"ok": 1, "cursor": cursor})


CURSOR_NOT_FOUND = Fault.error(43, "CursorNotFound")
"""The member that had the cursor was restarted."""
STEPPED_DOWN = Fault.error(10107, "NotWritablePrimary", "ResumableChangeStreamError")
HISTORY_LOST = Fault.error(286, "ChangeStreamHistoryLost", "NonResumableChangeStreamError")
"""The log of operations does not reach back to the resume token."""
NO_REPLICA_SET = Fault.error(40573, "Location40573")
UNAUTHORIZED = Fault.error(13, "Unauthorized")
TOKEN = {"_data": "made up"}
DROPPED = Fault.end(
    {"_id": TOKEN, "operationType": "drop", "ns": {"db": "erp", "coll": "users"}},
    {"_id": TOKEN, "operationType": "invalidate"},
)
"""https://www.mongodb.com/docs/manual/reference/change-events/invalidate/"""


class ReplicaSet(WaitingHandler):
    """See the module."""

    def __init__(self, folder: Path) -> None:
        super().__init__(str(folder))
        self.port = 0
        self.asked: list[tuple[Step, str, dict[str, Any]]] = []
        """Every question about a change stream: of which collection, and with which options."""
        self._faults: deque[tuple[Step, str, Fault]] = deque()

    @classmethod
    @contextmanager
    def running(cls, folder: Path) -> Iterator["ReplicaSet"]:
        """In a thread of its own, so that it answers whatever the tests wait for."""
        query_helper.set_force_fallback(True)
        member = cls(folder)
        ready = threading.Event()
        ended: list[Any] = []

        async def serve() -> None:
            loop, end = asyncio.get_running_loop(), asyncio.Event()
            loop.set_default_executor(ThreadPoolExecutor(64))
            ended.append(lambda: loop.call_soon_threadsafe(end.set))

            async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                await handle_client(reader, writer, member)

            server = await asyncio.start_server(client, "127.0.0.1", 0)
            member.port = server.sockets[0].getsockname()[1]
            ready.set()
            await end.wait()
            server.close()
            member.close_all()

        thread = threading.Thread(target=lambda: asyncio.run(serve()), name="replica set")
        thread.start()
        ready.wait()
        try:
            yield member
        finally:
            ended[0]()
            thread.join()

    @property
    def url(self) -> str:
        """As an operator writes it."""
        return f"mongodb://127.0.0.1:{self.port}/?replicaSet=rs0"

    def next(self, step: Step, collection: str, *faults: Fault) -> None:
        """Answer the next such questions with these, one after the other."""
        self._faults.extend((step, collection, fault) for fault in faults)
        self._wake()

    @property
    def is_done(self) -> bool:
        """Whether everything was answered that it was told to answer."""
        return not self._faults

    def opened(self, collection: str) -> list[dict[str, Any]]:
        """The options with which streams of the collection were opened."""
        return [given for step, of, given in self.asked if (step, of) == ("open", collection)]

    def handle_command(self, msg: dict[str, Any]) -> Answer:
        """See the class."""
        command: dict[str, Any] = dict(msg["sections"]).get("body") or {}
        [stream] = [*self._stream(command), None][:1]
        if stream:
            self.asked.append(stream)
            for fault in [each for each in self._faults if each[:2] == stream[:2]][:1]:
                self._faults.remove(fault)
                return msg["request_id"], fault[2].answer
        request_id, answer = super().handle_command(msg)
        if stream and any(each[:2] == stream[:2] for each in self._faults):
            # It was told to fail while it waited.
            return self.handle_command(msg)
        if not {"hello", "isMaster", "ismaster"}.isdisjoint(command):
            me = f"127.0.0.1:{self.port}"
            answer |= {"setName": "rs0", "hosts": [me], "primary": me, "me": me, "setVersion": 1}
        return request_id, answer

    def _wait(self, seen: int, until: float) -> bool:
        return super()._wait(seen, until) and not self._faults

    def _stream(self, command: dict[str, Any]) -> Iterator[tuple[Step, str, dict[str, Any]]]:
        if "getMore" in command and self._change_stream_manager.get_stream(command["getMore"]):
            yield "more", command["collection"], {}
        for stage in command.get("pipeline") or ():
            if "$changeStream" in stage:
                yield "open", command["aggregate"], stage["$changeStream"]
