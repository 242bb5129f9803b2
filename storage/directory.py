"""The directory: people, roles, departments and projects in the host application's MongoDB.

Read, never written and never copied. Works on PyMongo's asyncio client and on
Motor's, which answer the same calls. Every read is bounded in time; MongoDB
out of reach is the refusal UNAVAILABLE, at once while it is known to be down.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog
from bson import ObjectId
from bson.errors import BSONError
from pymongo.errors import PyMongoError

from storage.errors import Refusal, unavailable
from storage.records import RoleRecord, UserRecord

Document = Mapping[str, Any]

BACKOFF_SECONDS = 1.0
"""How long a failed read keeps others from waiting for the same failure."""

BATCH = 1_000
"""Documents in one answer, where there may be any number."""

RAW_BATCH = 10_000
"""Documents in one answer that is not looked into."""

WATCH_SECONDS = 1.0
"""How long MongoDB may keep silent on a change stream before we ask again."""

GLANCE_SECONDS = 0.15
"""How long whoever comes after that waits to see whether it is over."""

log = structlog.get_logger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class DirectoryNames:
    """What the host application calls its collections and fields."""

    users: str = "users"
    departments: str = "departments"
    projects: str = "projects"
    roles: str = "roles"
    user_name: str = "name"
    user_email: str = "email"
    user_avatar: str = "avatar"
    user_is_client: str = "isClient"
    user_status: str = "status"
    user_active_value: str = "active"
    user_department: str = "departmentId"
    user_team: str = "teamId"
    user_role: str = "role"
    department_name: str = "name"
    department_head: str = "headId"
    project_name: str = "name"
    project_members: str = "assignedUserIds"
    project_status: str = "status"
    project_closed_values: frozenset[str] = frozenset(
        {"archived", "canceled", "cancelled", "closed", "completed", "done"}
    )
    role_name: str = "name"
    role_permissions: str = "permissions"
    permission_resource: str = "resource"
    permission_actions: str = "actions"


class Directory:
    """Reads of the directory, each of which takes at most ``timeout`` seconds.

    ``database`` is an asyncio database of PyMongo or Motor.
    """

    def __init__(self, database: Any, names: DirectoryNames, timeout: float = 2.0) -> None:
        self._database = database
        self.names = names
        """What the host application calls things."""
        self._timeout = timeout
        self._is_down = False
        self._try_again_at = 0.0
        self._trying: asyncio.Task[None] | None = None

    async def users(self, ids: Iterable[str]) -> dict[str, UserRecord]:
        """People by id, in one query; whoever is not there is left out. Raises UNAVAILABLE."""
        wanted = [ObjectId(id) for id in ids]
        documents = await self._find(
            self.names.users, {"_id": {"$in": wanted}}, self.user_fields(), limit=len(wanted)
        )
        return {user.id: user for user in map(self.user, documents)}

    async def role(self, role: str) -> RoleRecord | None:
        """A role by its document's id or by its name. Raises UNAVAILABLE."""
        names = self.names
        key: Any = {"_id": ObjectId(role)} if ObjectId.is_valid(role) else {names.role_name: role}
        documents = await self._find(
            names.roles, key, [names.role_name, names.role_permissions], limit=1
        )
        return self.role_of(documents[0]) if documents else None

    async def size(self) -> int:
        """How many people it has, active or not, without counting them. Raises UNAVAILABLE."""
        if self._is_down:
            await self._glance()
        users = self._database[self.names.users]
        return await self._asked(
            users.estimated_document_count(maxTimeMS=int(self._timeout * 1000))
        )

    async def everybody(self) -> AsyncIterator[list[UserRecord]]:
        """All who are active, some at a time, each time within the limit. Raises UNAVAILABLE."""
        names = self.names
        active = {names.user_status: names.user_active_value}
        async for documents in self.people(active, self.user_fields()):
            yield [self.user(document) for document in documents]

    async def people(
        self, condition: Document, fields: Sequence[str]
    ) -> AsyncIterator[list[Document]]:
        """The same as ``batches`` of the people alone: whatever else is among them, by an
        ``_id`` that is no ObjectId, nobody can sign in as or look up. Raises UNAVAILABLE.
        """
        async for documents in self.batches(self.names.users, condition, fields):
            yield [document for document in documents if isinstance(document["_id"], ObjectId)]

    async def batches(
        self, collection: str, condition: Document, fields: Sequence[str]
    ) -> AsyncIterator[list[Document]]:
        """Everything that fits the condition, by ``_id``, some at a time, each time within the
        limit: what is changed meanwhile is neither missed nor met twice. Raises UNAVAILABLE.
        """
        if self._is_down:
            await self._glance()
        cursor = self._database[collection].find(
            condition, projection=list(fields), batch_size=BATCH, sort=[("_id", 1)]
        )
        try:
            while True:
                documents: list[Document] = await self._asked(cursor.to_list(BATCH))
                if not documents:
                    break
                yield documents
        finally:
            await cursor.close()

    async def raw(self, collection: str, fields: Sequence[str]) -> AsyncIterator[bytes]:
        """These fields of everything, by ``_id``, as MongoDB sends them: nothing is made of it, so
        it costs next to nothing. Each part within the limit. Raises UNAVAILABLE.
        """
        if self._is_down:
            await self._glance()
        cursor = self._database[collection].find_raw_batches(
            {}, projection=list(fields), batch_size=RAW_BATCH, sort=[("_id", 1)]
        )
        try:
            while (part := await self._asked(_next_of(cursor))) is not None:
                yield part
        finally:
            await cursor.close()

    def watch(self, collection: str, resume_after: Document | None) -> Any:
        """A change stream of a collection, to be opened with ``async with``; PyMongo's has to be
        awaited before that.
        """
        return self._database[collection].watch(
            resume_after=resume_after,
            # Shorter than the line may be silent.
            max_await_time_ms=int(min(self._timeout / 2, WATCH_SECONDS) * 1000),
        )

    async def ping(self) -> None:
        """Return when MongoDB answers. Raises UNAVAILABLE."""
        await self._find(self.names.users, {}, ["_id"], limit=1)

    async def _find(
        self,
        collection: str,
        condition: Document,
        fields: Sequence[str],
        *,
        limit: int,
    ) -> list[Document]:
        if self._is_down:
            await self._glance()
        return await self._read(collection, condition, fields, limit=limit)

    async def _glance(self) -> None:
        """Return if MongoDB answers again; raises UNAVAILABLE if it does not at once.

        One read finds out for all, in a task of its own: nobody waits for what
        is most likely still down.
        """
        if self._trying or time.monotonic() < self._try_again_at:
            raise unavailable("mongodb")
        self._trying = asyncio.create_task(self._try_again(), name="directory")
        await asyncio.wait([self._trying], timeout=GLANCE_SECONDS)
        if self._is_down:
            raise unavailable("mongodb")

    async def _try_again(self) -> None:
        try:
            await self._read(self.names.users, {}, ["_id"], limit=1)
        except Refusal:
            pass  # noted where it was raised
        finally:
            self._trying = None

    async def _read(
        self,
        collection: str,
        condition: Document,
        fields: Sequence[str],
        *,
        limit: int,
    ) -> list[Document]:
        cursor = self._database[collection].find(
            condition,
            projection=list(fields),
            limit=limit,
            # All in the first answer: MongoDB would send 101 and wait to be asked for more.
            batch_size=limit,
            max_time_ms=int(self._timeout * 1000),
        )
        return await self._asked(cursor.to_list(None))

    async def _asked(self, answer: Awaitable[T]) -> T:
        """What the driver answers within the limit. Raises UNAVAILABLE.

        The driver's own limits are for each of its steps, and it tries twice. Nor can it be
        relied upon to stop when it is cancelled: it may take that for a line that was lost, and
        go on. So it works in a task of its own, which is left to itself when the time is up.
        """
        asked = asyncio.ensure_future(answer)
        asked.add_done_callback(_take_note)
        try:
            done, _ = await asyncio.wait([asked], timeout=self._timeout)
            if not done:
                raise TimeoutError
            found = asked.result()
        except Exception as error:
            if not isinstance(error, (PyMongoError, BSONError, OSError)):
                # Of nonsense on the line, the driver makes whatever Python makes of it.
                log.warning("directory.nonsense", exc_info=True)
            self._is_down = True
            self._try_again_at = time.monotonic() + BACKOFF_SECONDS
            raise unavailable("mongodb") from error
        finally:
            asked.cancel()
        self._is_down = False
        return found

    def user_fields(self) -> list[str]:
        """What of a person is read."""
        names = self.names
        return [names.user_name, names.user_email, names.user_avatar, *self.deciding_fields()]

    def deciding_fields(self) -> list[str]:
        """What of a person decides where they belong and what they may do."""
        names = self.names
        return [
            names.user_is_client,
            names.user_status,
            names.user_department,
            names.user_team,
            names.user_role,
        ]

    def user(self, document: Document) -> UserRecord:
        """The person in a document with these fields."""
        names = self.names
        return UserRecord(
            id=str(document["_id"]),
            name=as_text(document.get(names.user_name)) or "Unnamed person",
            email=as_text(document.get(names.user_email)),
            avatar_url=as_text(document.get(names.user_avatar)),
            is_client=_is_client(document.get(names.user_is_client)),
            is_active=document.get(names.user_status) == names.user_active_value,
            department_id=as_text(document.get(names.user_department)),
            team_id=as_text(document.get(names.user_team)),
            role=as_text(document.get(names.user_role)),
        )

    def role_of(self, document: Document) -> RoleRecord:
        """The role in a document."""
        names = self.names
        return RoleRecord(
            name=as_text(document.get(names.role_name)) or "",
            permissions=frozenset(
                f"{permission.get(names.permission_resource)}:{action}"
                for permission in as_list(document.get(names.role_permissions))
                if isinstance(permission, Mapping)
                for action in as_list(permission.get(names.permission_actions))
            ),
        )


async def _next_of(cursor: Any) -> bytes | None:
    """What comes next from a cursor of either driver; None at its end."""
    async for part in cursor:
        return bytes(part)
    return None


def _is_client(value: Any) -> bool:
    """Inside is only who is marked so beyond doubt: by false, zero, null or nothing. Whatever
    else is stored there (1, "true", "no"), the person sees no more than a client may.
    """
    return not (value is None or (isinstance(value, bool | int | float) and value == 0))


def as_text(value: Any) -> str | None:
    """What the host application stores, as text: it may be an ObjectId, a number, or missing. NUL
    is left out, which PostgreSQL has no place for.
    """
    return None if value is None else str(value).replace("\x00", "")


def as_list(value: Any) -> list[Any]:
    """A list as it is stored; what is in another form permits nothing."""
    return value if isinstance(value, list) else []


def _take_note(asked: asyncio.Future[Any]) -> None:
    """Whoever asked may not be there any more; an answer that nobody hears is no error."""
    if not asked.cancelled():
        asked.exception()
