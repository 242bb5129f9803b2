"""The doctor about MongoDB: whether the settings name what is there."""

from typing import Any

import pytest
from pymongo import AsyncMongoClient

from tests.server.doctor.asking import findings, remarks, staff


async def test_no_people(good: dict[str, Any]) -> None:
    assert await remarks(good, mongo_database="empty", users_collection="staff") == [
        ("MongoDB", "the collection 'staff' is missing or empty (BACKCHANNEL_USERS_COLLECTION)")
    ]


async def test_nobody_is_active(good: dict[str, Any]) -> None:
    (finding,) = (
        each for each in await findings(good, user_active_value="employed") if each.level != "ok"
    )
    assert not finding.ok
    assert finding.line == (
        "nobody can sign in: no person has 'employed' in 'status' "
        "(BACKCHANNEL_USER_ACTIVE_VALUE, BACKCHANNEL_USER_STATUS_FIELD)"
    )


async def test_people_who_are_clients_by_an_odd_value(
    good: dict[str, Any], mongo_database: str
) -> None:
    await staff(good["mongo_url"], mongo_database)
    good = good | {"mongo_database": mongo_database}
    async with AsyncMongoClient[dict[str, Any]](good["mongo_url"]) as client:
        users = client[mongo_database].users
        for value in (0, None, True, False):
            await users.insert_one({"status": "active", "isClient": value})
        assert not [each for each in await findings(good) if each.level == "warning"]
        await users.insert_one({"status": "active", "isClient": "no"})
    (finding,) = (each for each in await findings(good) if each.level == "warning")
    assert finding.ok
    assert finding.line == (
        "some people have neither true nor false in 'isClient'; they count as clients "
        "(BACKCHANNEL_USER_IS_CLIENT_FIELD)"
    )


async def test_names_that_nothing_has(good: dict[str, Any]) -> None:
    found = await findings(
        good,
        user_team_field="squad",
        project_members_field="people",
        departments_collection="divisions",
    )
    assert [each.line for each in found if each.level == "warning"] == [
        "no document of 'users' has the field 'squad' (BACKCHANNEL_USER_TEAM_FIELD)",
        "the collection 'divisions' is missing or empty (BACKCHANNEL_DEPARTMENTS_COLLECTION)",
        "no document of 'projects' has the field 'people' (BACKCHANNEL_PROJECT_MEMBERS_FIELD)",
    ]
    assert all(each.ok for each in found)


async def test_departments_that_are_chosen_and_not_there(good: dict[str, Any]) -> None:
    there = ("engineering", "*")
    assert await remarks(good, general_departments=there) == []
    assert await remarks(good, general_departments=(*there, "Sales", "f" * 24)) == [
        ("MongoDB", f"no department has the name or id {name!r} (BACKCHANNEL_GENERAL_DEPARTMENTS)")
        for name in ("Sales", "f" * 24)
    ]


@pytest.mark.parametrize(
    ("url", "line"),
    [
        ("mongodb://nowhere.invalid", "its host name is not known"),
        ("mongodb://a:hunter2:x@h", "its address cannot be read"),
        ("mongodb+srv://nowhere.invalid", "its address does not exist or has a wrong option"),
    ],
)
async def test_mongodb_cannot_be_found(
    good: dict[str, Any], url: str, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.doctor.directory.PATIENCE", 1_000)
    assert await remarks(good, mongo_url=url) == [("MongoDB", f"{line} (BACKCHANNEL_MONGO_URL)")]
