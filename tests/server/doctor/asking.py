"""Asking the doctor, and a directory in which nothing is wrong."""

from typing import Any

from bson import ObjectId
from pymongo import AsyncMongoClient

from server.doctor import Finding, diagnose
from server.settings import Settings

NOBODY = "127.0.0.1:1"


async def findings(good: dict[str, Any], **changes: Any) -> list[Finding]:
    """All that the doctor finds, none of which tells more than it should."""
    found = await diagnose(Settings(**good | changes))
    for finding in found:
        assert "\n" not in finding.line
        assert "hunter2" not in finding.line
        assert NOBODY not in finding.line
        assert "Traceback" not in finding.line
    return found


async def remarks(good: dict[str, Any], **changes: Any) -> list[tuple[str, str]]:
    """The subject and line of all that is not as it should be."""
    found = await findings(good, **changes)
    return [(each.subject, each.line) for each in found if each.level != "ok"]


async def staff(mongo_url: str, mongo_database: str) -> None:
    """Fill an empty directory."""
    async with AsyncMongoClient[dict[str, Any]](mongo_url) as client:
        mongo = client[mongo_database]
        someone = ObjectId()
        await mongo.users.insert_one(
            {
                "_id": someone,
                "name": "Alice",
                "email": "alice@example.com",
                "avatar": None,
                "isClient": False,
                "status": "active",
                "departmentId": someone,
                "teamId": someone,
                "role": someone,
            }
        )
        await mongo.departments.insert_one({"name": "Engineering", "headId": someone})
        await mongo.projects.insert_one(
            {"name": "Apollo", "departmentId": someone, "assignedUserIds": [someone]}
        )
        await mongo.roles.insert_one({"name": "super_admin", "permissions": []})
