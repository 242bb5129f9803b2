"""The census: everybody and everything of the directory that decides who is in which channel.

Read whole, in batches, or only what has changed since.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import blake2b
from typing import Any

from storage import ids
from storage.directory import Directory, Document, as_list, as_text
from storage.records import DepartmentRecord, ProjectRecord, RoleRecord, UserRecord

MAX_CHANGED = 1_000
"""Documents of one kind; after more changes at once, everything is read anew."""


MAX_ID = 200
"""Characters of an ``_id``: what has a longer one, or one with NUL in it, is left out."""


class Kind(StrEnum):
    """What the directory has collections of."""

    # In this order they are read: who is named by something read before is there by then.
    DEPARTMENT = "department"
    PROJECT = "project"
    ROLE = "role"
    USER = "user"


@dataclass(frozen=True, slots=True)
class Company:
    """The directory at one time, by id."""

    departments: dict[str, DepartmentRecord] = field(default_factory=dict)
    projects: dict[str, ProjectRecord] = field(default_factory=dict)
    roles: dict[str, RoleRecord] = field(default_factory=dict)
    people: dict[str, UserRecord] = field(default_factory=dict)

    def of(self, kind: Kind) -> dict[str, Any]:
        """The records of one kind."""
        match kind:
            case Kind.DEPARTMENT:
                return self.departments
            case Kind.PROJECT:
                return self.projects
            case Kind.ROLE:
                return self.roles
            case Kind.USER:
                return self.people


class Census:
    """Reads of the whole directory."""

    def __init__(self, directory: Directory) -> None:
        self.directory = directory

    async def take(self) -> Company:
        """Everybody and everything, with one query a collection. Raises UNAVAILABLE."""
        company = Company()
        for kind in Kind:
            await self._read(company, kind, {})
        return company

    async def retake(self, company: Company, changed: Mapping[Kind, set[Any]]) -> Company:
        """The same with these documents as they are now, by their ``_id``, with one query a
        collection. Raises UNAVAILABLE.
        """
        again = Company(*({**company.of(kind)} for kind in Kind))
        for kind in Kind:
            documents = changed.get(kind)
            if documents:
                for id in documents:
                    again.of(kind).pop(str(id), None)
                await self._read(again, kind, {"_id": {"$in": list(documents)}})
        return again

    async def digest(self) -> bytes:
        """Another one as soon as the directory says anything else of who belongs where and what
        they may do: what people are called and look like is left out. Raises UNAVAILABLE.
        """
        digest = blake2b(digest_size=16)
        for kind in Kind:
            fields = self.directory.deciding_fields() if kind is Kind.USER else self._fields(kind)
            async for part in self.directory.raw(self.collection(kind), fields):
                digest.update(part)
            digest.update(kind.encode())
        return digest.digest()

    def collection(self, kind: Kind) -> str:
        """What the host application calls the collection."""
        names = self.directory.names
        return {
            Kind.DEPARTMENT: names.departments,
            Kind.PROJECT: names.projects,
            Kind.ROLE: names.roles,
            Kind.USER: names.users,
        }[kind]

    async def _read(self, company: Company, kind: Kind, condition: Document) -> None:
        records = company.of(kind)
        fields = self._fields(kind)
        async for batch in (
            self.directory.people(condition, fields)
            if kind is Kind.USER
            else self.directory.batches(self.collection(kind), condition, fields)
        ):
            for document in batch:
                id = str(document["_id"])
                if len(id) <= MAX_ID and "\x00" not in id:
                    records[id] = self._record(kind, document)

    def _fields(self, kind: Kind) -> list[str]:
        names = self.directory.names
        match kind:
            case Kind.DEPARTMENT:
                return [names.department_name, names.department_head]
            case Kind.PROJECT:
                return [names.project_name, names.project_members, names.project_status]
            case Kind.ROLE:
                return [names.role_name, names.role_permissions]
            case Kind.USER:
                return self.directory.user_fields()

    def _record(self, kind: Kind, document: Document) -> Any:
        names = self.directory.names
        match kind:
            case Kind.DEPARTMENT:
                return DepartmentRecord(
                    id=str(document["_id"]),
                    name=as_text(document.get(names.department_name)) or "",
                    head_id=as_text(document.get(names.department_head)),
                )
            case Kind.PROJECT:
                status = as_text(document.get(names.project_status)) or ""
                assigned = map(str, as_list(document.get(names.project_members)))
                return ProjectRecord(
                    id=str(document["_id"]),
                    name=as_text(document.get(names.project_name)) or "",
                    assigned_ids=frozenset(filter(ids.user_id, assigned)),
                    is_closed=status.lower() in names.project_closed_values,
                )
            case Kind.ROLE:
                return self.directory.role_of(document)
            case Kind.USER:
                return self.directory.user(document)
