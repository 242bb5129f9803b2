"""A connection that can be told things ahead of a statement, without awaiting an answer to them.

asyncpg awaits the answer to whatever it sends, so what has to be said before a statement takes
a round trip of its own. PostgreSQL asks for none: messages of the extended protocol may follow
each other, and where one fails it passes over all others up to the next Sync. So we write ours
to asyncpg's transport, without a Sync, just before asyncpg writes its own. A statement is not
executed unless everything ahead of it was.

This stands on what asyncpg does not promise: that ``_transport`` is where it writes, that it
awaits nothing before it does, and that it passes over what ours are answered, which is that they
were parsed, bound and done. ``tests/storage/test_ahead.py`` fails where one of these is no more.
"""

import asyncio
import select
from collections.abc import Iterable
from functools import lru_cache
from itertools import count
from struct import pack

import asyncpg

Said = tuple[str, ...]
"""A statement that was learnt, and its values, which are all text."""

_lines = count()


class Line(asyncpg.Connection):
    """asyncpg's connection, and what can be said on it ahead."""

    __slots__ = ("_names", "_news")

    _transport: asyncio.WriteTransport

    def learn(self, statements: Iterable[str]) -> None:
        """Have them parsed, once for all, with whatever is asked next. None may return a row."""
        # Of this line alone: behind a pooler another one's may lie in the same session.
        line = next(_lines)
        self._names = {
            statement: f"ahead_{line}_{number}".encode()
            for number, statement in enumerate(statements)
        }
        self._transport.write(b"".join(_parse(name, text) for text, name in self._names.items()))
        self._news = select.poll()
        self._news.register(self._transport.get_extra_info("socket"), select.POLLIN)

    def say(self, said: Iterable[Said]) -> None:
        """Have them executed with the statement that is asked next, and it only if they could
        be. It has to be asked at once, with ``fetch``, ``fetchrow`` or ``fetchval``, or with
        ``execute`` and arguments: without, asyncpg speaks the simple protocol, in which a
        failure of ours would never be answered.
        """
        names = self._names
        self._transport.write(b"".join([_run(names[each[0]], each[1:]) for each in said]))

    def has_news(self) -> bool:
        """Whether PostgreSQL has said something that asyncpg has not heard yet. Where nothing
        was asked, that is goodbye.
        """
        return bool(self._news.poll(0))


def _parse(name: bytes, text: str) -> bytes:
    return _message(b"P", name + b"\0" + text.encode() + b"\0" + pack("!H", 0))


@lru_cache(2_000)
def _run(name: bytes, values: Said) -> bytes:
    """Bind and Execute, in the unnamed portal."""
    given = b"".join(pack("!I", len(value)) + value for value in map(str.encode, values))
    bound = b"\0" + name + b"\0" + pack("!HH", 0, len(values)) + given + pack("!H", 0)
    return _message(b"B", bound) + _message(b"E", b"\0" + pack("!I", 0))


def _message(type: bytes, body: bytes) -> bytes:
    return type + pack("!I", len(body) + 4) + body
