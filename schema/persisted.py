"""Persisted documents: those that clients name instead of sending them.

Two kinds. Trusted ones are in a file that comes with the frontend's build, under
whatever id its tools gave them. Automatic ones are whatever a signed-in client
has sent once together with its SHA-256 hash (Apollo's automatic persisted
queries): the hash alone is enough from then on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

from cachetools import TTLCache

from storage import documents
from storage.errors import ErrorCode, Refusal, bad_input, forbidden, not_found
from storage.postgres import Database

UNUSED = timedelta(days=30)
"""After which an automatic document is dropped."""
REMEMBERED_CHARACTERS = 400_000
REMEMBERED_SECONDS = 3_600.0
"""Then PostgreSQL is asked again, which notes that the document is still in use."""


@dataclass(frozen=True, slots=True)
class Named:
    """What a client calls a document."""

    id: str
    is_hash: bool
    """Said in the extension ``persistedQuery``, so the SHA-256 hash of the text unless it is the
    id of a trusted one."""


class Persisted:
    """The documents that have names.

    ``trusted`` are texts by id, ``most`` is how many automatic ones are kept (0: none).
    """

    def __init__(
        self,
        database: Database,
        trusted: Mapping[str, str] | None = None,
        *,
        only_trusted: bool = False,
        most: int = 0,
    ) -> None:
        self._database = database
        self._trusted = {_bare(id): text for id, text in (trusted or {}).items()}
        self._trusted_texts = frozenset(self._trusted.values())
        self._only_trusted = only_trusted
        self._most = most
        self._known: TTLCache[str, str] = TTLCache(
            REMEMBERED_CHARACTERS, REMEMBERED_SECONDS, getsizeof=len
        )

    async def text(self, query: str, named: Named | None, *, is_stranger: bool) -> str:
        """The text of what was asked for, by its text, its name or both.

        Raises FORBIDDEN for what is not trusted where only that is run,
        PERSISTED_QUERY_NOT_FOUND, which asks the client for the text, NOT_FOUND for
        the id of no trusted document, and BAD_USER_INPUT for a hash that is not the text's.
        """
        trusted = self._trusted.get(_bare(named.id)) if named else None
        if trusted is not None:
            return trusted
        if self._only_trusted:
            if query in self._trusted_texts:
                return query
            raise forbidden("Only trusted documents are run here.")
        if named is None:
            return query
        if not named.is_hash:
            if not query:
                raise not_found("document", "documentId")
            return query
        if not query:
            return await self._find(named.id, is_stranger)
        if self._most and _hash(query) != named.id:
            # In the words that clients know.
            raise bad_input("extensions", "provided sha does not match query")
        return query

    async def keep(self, text: str, named: Named | None) -> None:
        """Remember a valid document that a signed-in client gave a name to."""
        if named is None or not named.is_hash or not self._most or named.id in self._known:
            return
        # PostgreSQL has no NUL in texts; GraphQL has it in comments.
        if _hash(text) == named.id and "\0" not in text:
            await documents.keep(self._database, bytes.fromhex(named.id), text, self._most)
            self._known[named.id] = text

    async def forget(self) -> None:
        """Drop what is no longer used, and make room when it is nearly full."""
        await documents.forget(self._database, UNUSED, self._most * 9 // 10)

    async def _find(self, hash: str, is_stranger: bool) -> str:
        if not self._most:
            raise Refusal(ErrorCode.PERSISTED_QUERY_NOT_SUPPORTED, "PersistedQueryNotSupported")
        text = self._known.get(hash)
        # Whoever is not signed in makes us look nowhere.
        if text is None and not is_stranger and (key := _bytes(hash)):
            text = await documents.find(self._database, key)
            if text is not None:
                self._known[hash] = text
        if text is None:
            # By this very message clients know that they have to send the text.
            raise Refusal(ErrorCode.PERSISTED_QUERY_NOT_FOUND, "PersistedQueryNotFound")
        return text


def _bare(id: str) -> str:
    # Some tools say in the id what it is made with, others know.
    return id.removeprefix("sha256:")


def _hash(text: str) -> str | None:
    try:
        return sha256(text.encode()).hexdigest()
    except UnicodeEncodeError:
        # A lone surrogate has no bytes that could be hashed.
        return None


def _bytes(hash: str) -> bytes | None:
    try:
        key = bytes.fromhex(hash)
    except ValueError:
        return None
    return key if len(key) == 32 else None
