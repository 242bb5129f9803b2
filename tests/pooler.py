"""A pooler in transaction mode, as small as one can be: it stands in where none is installed."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.engine import make_url

Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]

Asked = asyncio.Task[tuple[bytes, bytes]]
"""A client's next message, which may not be there yet."""

KEY = b"K"
TERMINATE = b"X"
WISH_FOR_TLS = b"\x04\xd2\x16\x2f"
ASKS_FOR_NO_ANSWER = (0, 12)
"""What PostgreSQL says of signing in that the client has nothing to say to."""


class Pooler:
    """Whoever connects signs in for themselves, and from then on is lent one session that all
    share, for as long as each transaction lasts.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._session: Line | None = None
        self._turn = asyncio.Lock()
        self._clients: set[asyncio.Task[None]] = set()
        self._lines: set[asyncio.StreamWriter] = set()

    @classmethod
    @asynccontextmanager
    async def to(cls, url: str) -> AsyncIterator[str]:
        """The same URL by way of a pooler, for as long as the block lasts."""
        there = make_url(url)
        pooler = cls(there.host or "", there.port or 5432)
        server = await asyncio.start_server(pooler._serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        try:
            yield there.set(host="127.0.0.1", port=port).render_as_string(hide_password=False)
        finally:
            server.close()
            lines = list(pooler._lines)
            for writer in lines:
                writer.close()
            await asyncio.gather(*pooler._clients)
            await asyncio.gather(*(line.wait_closed() for line in lines), return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._clients.add(task)
        self._lines.add(writer)
        try:
            await self._sign_in(reader, writer)
            asked = asyncio.create_task(_asked(reader))
            while (await asked)[0] != TERMINATE:
                asked = await self._transaction(asked, reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # whoever it was has gone
        finally:
            self._clients.discard(task)
            self._lines.discard(writer)
            writer.close()

    async def _sign_in(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Between the client and PostgreSQL; the first session of all is the one that stays."""
        answers, questions = await asyncio.open_connection(*self._target)
        while (head := await reader.readexactly(8))[4:] == WISH_FOR_TLS:
            writer.write(b"N")
        questions.write(head + await reader.readexactly(int.from_bytes(head[:4]) - 8))
        type = b""
        while type != b"Z":
            type, message = await _message(answers)
            if type == KEY:
                # It has no session for the client, whose key it could give.
                message = message[:5] + secrets.token_bytes(len(message) - 5)
            writer.write(message)
            if type == b"R" and int.from_bytes(message[5:9]) not in ASKS_FOR_NO_ANSWER:
                questions.write((await _message(reader))[1])
        if self._session is None:
            self._session = answers, questions
            self._lines.add(questions)
        else:
            questions.close()
            await questions.wait_closed()

    async def _transaction(
        self, asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> Asked:
        """From its first message to where PostgreSQL says that none is under way any more;
        answers the first of the next one.
        """
        async with self._turn:
            assert self._session is not None
            answers, questions = self._session
            over = asyncio.create_task(_answered(answers, writer))
            while not over.done():
                if asked.done():
                    questions.write(asked.result()[1])
                    if asked.result()[0] == TERMINATE:
                        break  # whoever comes next finds what they left
                    asked = asyncio.create_task(_asked(reader))
                await asyncio.wait((asked, over), return_when=asyncio.FIRST_COMPLETED)
            await over
        return asked


async def _answered(answers: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on answers until PostgreSQL is between two transactions."""
    message = b""
    while message[:1] != b"Z" or message[5:] != b"I":
        _, message = await _message(answers)
        writer.write(message)


async def _asked(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    try:
        return await _message(reader)
    except (OSError, asyncio.IncompleteReadError):
        return TERMINATE, b""


async def _message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Its type, and the whole of it."""
    head = await reader.readexactly(5)
    return head[:1], head + await reader.readexactly(int.from_bytes(head[1:]) - 4)
