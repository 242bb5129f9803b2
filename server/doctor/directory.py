"""MongoDB: whether the people are there, under the names in the settings."""

import asyncio
from typing import Any, Final

from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import ExecutionTimeout

from resolvers.directory_rules import EVERY, folded
from server.doctor.report import Report
from server.section import variable
from server.settings import Settings

PATIENCE: Final = 2_000
"""Milliseconds to find a server, and for each query."""

FIELDS: Final = {
    "users_collection": (
        "user_name_field",
        "user_email_field",
        "user_avatar_field",
        "user_is_client_field",
        "user_department_field",
        "user_team_field",
        "user_role_field",
    ),
    "departments_collection": ("department_name_field", "department_head_field"),
    "projects_collection": ("project_name_field", "project_members_field"),
    "roles_collection": ("role_name_field", "role_permissions_field"),
}
"""The settings that name a collection, and those that name its fields."""


async def check_directory(settings: Settings, report: Report) -> None:
    """Whether somebody can sign in, and whether every configured name is in use."""
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
        settings.mongo_url, serverSelectionTimeoutMS=PATIENCE, connectTimeoutMS=PATIENCE
    )
    try:
        database = client[settings.mongo_database]
        if not await _has(database, settings.users_collection, {}):
            report.wrong(_empty("users_collection", settings))
            return
        active = {settings.user_status_field: settings.user_active_value}
        if await _has(database, settings.users_collection, active):
            report.fine("has active people")
        else:
            report.wrong(
                f"nobody can sign in: no person has {settings.user_active_value!r} in "
                f"{settings.user_status_field!r} ({variable('user_active_value')}, "
                f"{variable('user_status_field')})"
            )
        await _clients(database, settings, report)
        for collection in FIELDS:
            await _fields(database, collection, settings, report)
        await _chosen(database, settings, report)
    finally:
        await client.close()


async def _clients(
    database: AsyncDatabase[dict[str, Any]], settings: Settings, report: Report
) -> None:
    field = settings.user_is_client_field
    odd = {field: {"$nin": [True, False, None, 0]}}
    if await _has(database, settings.users_collection, odd):
        report.warn(
            f"some people have neither true nor false in {field!r}; they count as clients "
            f"({variable('user_is_client_field')})"
        )


async def _fields(
    database: AsyncDatabase[dict[str, Any]], collection: str, settings: Settings, report: Report
) -> None:
    where = getattr(settings, collection)
    if not await _has(database, where, {}):
        report.warn(_empty(collection, settings))
        return
    names = {field: getattr(settings, field) for field in FIELDS[collection]}
    present = await asyncio.gather(
        *(_has(database, where, {name: {"$exists": True}}) for name in names.values())
    )
    for (field, name), there in zip(names.items(), present, strict=True):
        if not there:
            report.warn(f"no document of {where!r} has the field {name!r} ({variable(field)})")


async def _chosen(
    database: AsyncDatabase[dict[str, Any]], settings: Settings, report: Report
) -> None:
    """Whether each department that is to have a general channel is one."""
    name = settings.department_name_field
    known = {EVERY}
    departments = database[settings.departments_collection].find({}, {name: 1})
    async for document in departments.max_time_ms(PATIENCE):
        known |= {str(document["_id"]), folded(str(document.get(name)))}
    for chosen in settings.general_departments:
        if folded(chosen) not in known:
            report.warn(
                f"no department has the name or id {chosen!r} ({variable('general_departments')})"
            )


async def _has(
    database: AsyncDatabase[dict[str, Any]], collection: str, condition: dict[str, Any]
) -> bool:
    """Whether there is such a document. A search too long to finish has not shown there is none."""
    try:
        found = await database[collection].find_one(condition, {"_id": 1}, max_time_ms=PATIENCE)
    except ExecutionTimeout:
        return True
    return found is not None


def _empty(collection: str, settings: Settings) -> str:
    name = getattr(settings, collection)
    return f"the collection {name!r} is missing or empty ({variable(collection)})"
