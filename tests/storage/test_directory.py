"""People and roles as the host application keeps them, on either driver."""

from typing import Any

import pytest
from bson import Int64, ObjectId

from storage.directory import Directory, DirectoryNames
from storage.records import RoleRecord, UserRecord


async def insert(erp: Any, **document: Any) -> str:
    """The id of a new active person."""
    id = ObjectId()
    await erp.users.insert_one({"_id": id, "name": "Ada", "status": "active", **document})
    return str(id)


async def test_a_person_has_everything_the_erp_says_of_them(erp: Any) -> None:
    team, department, role = ObjectId(), ObjectId(), ObjectId()
    ada = await insert(
        erp,
        email="ada@example.com",
        avatar="https://pictures.example.com/ada.png",
        isClient=True,
        departmentId=department,
        teamId=team,
        role=role,
        password="is not asked for",
    )
    found = await Directory(erp, DirectoryNames()).users([ada])
    assert found == {
        ada: UserRecord(
            id=ada,
            name="Ada",
            email="ada@example.com",
            avatar_url="https://pictures.example.com/ada.png",
            is_client=True,
            is_active=True,
            department_id=str(department),
            team_id=str(team),
            role=str(role),
        )
    }


async def test_who_is_not_there_is_left_out(erp: Any) -> None:
    ada = await insert(erp)
    directory = Directory(erp, DirectoryNames())
    assert set(await directory.users([str(ObjectId()), ada])) == {ada}
    assert await directory.users([]) == {}


async def test_three_hundred_people_come_at_once(erp: Any) -> None:
    people = [ObjectId() for _ in range(300)]
    await erp.users.insert_many([{"_id": id, "name": "A"} for id in people])
    found = await Directory(erp, DirectoryNames()).users(map(str, people))
    assert set(found) == {str(id) for id in people}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"name": None}, {"name": "Unnamed person"}),
        ({"name": ""}, {"name": "Unnamed person"}),
        ({"name": 42}, {"name": "42"}),
        ({"email": 5, "avatar": None}, {"email": "5", "avatar_url": None}),
        ({"teamId": "north", "departmentId": 7}, {"team_id": "north", "department_id": "7"}),
        ({"role": "clerk"}, {"role": "clerk"}),
        ({"status": "ACTIVE"}, {"is_active": False}),
        ({"status": None}, {"is_active": False}),
        ({"status": True}, {"is_active": False}),
        ({"isClient": None}, {"is_client": False}),
        ({"isClient": False}, {"is_client": False}),
        ({"isClient": 0}, {"is_client": False}),
        ({"isClient": Int64(0)}, {"is_client": False}),
        ({"isClient": True}, {"is_client": True}),
        ({"isClient": 1}, {"is_client": True}),
        ({"isClient": -0.5}, {"is_client": True}),
        ({"isClient": "true"}, {"is_client": True}),
        ({"isClient": "false"}, {"is_client": True}),
        ({"isClient": ""}, {"is_client": True}),
        ({"isClient": [False]}, {"is_client": True}),
        ({"isClient": {}}, {"is_client": True}),
    ],
)
async def test_what_is_missing_or_of_another_type_breaks_nothing(
    erp: Any, document: dict[str, Any], expected: dict[str, Any]
) -> None:
    ada = await insert(erp, **document)
    found = (await Directory(erp, DirectoryNames()).users([ada]))[ada]._asdict()
    assert {name: found[name] for name in expected} == expected


async def test_a_role_is_found_by_id_and_by_name(erp: Any) -> None:
    id = ObjectId()
    permissions = [
        {"resource": "channels", "actions": ["create", "manage"]},
        {"resource": "support", "actions": ["answer"]},
    ]
    await erp.roles.insert_many(
        [{"_id": ObjectId(), "name": "other"}, {"_id": id, "name": "x", "permissions": permissions}]
    )
    directory = Directory(erp, DirectoryNames())
    role = RoleRecord("x", frozenset({"channels:create", "channels:manage", "support:answer"}))
    assert await directory.role(str(id)) == role
    assert await directory.role("x") == role
    assert await directory.role("nobody has this") is None
    assert await directory.role(str(ObjectId())) is None


@pytest.mark.parametrize(
    "permissions",
    [
        None,
        "channels:manage",
        {"resource": "channels", "actions": ["manage"]},
        [None, 5, "channels"],
        [{"resource": "channels"}],
        [{"resource": "channels", "actions": None}],
        [{"resource": "channels", "actions": 5}],
        [{"resource": "channels", "actions": True}],
    ],
)
async def test_permissions_in_another_form_permit_nothing(erp: Any, permissions: Any) -> None:
    await erp.roles.insert_one({"name": "odd", "permissions": permissions})
    role = await Directory(erp, DirectoryNames()).role("odd")
    assert role == RoleRecord("odd", frozenset())


async def test_every_name_can_be_another(erp: Any) -> None:
    names = DirectoryNames(
        users="Mitarbeiter",
        roles="Rollen",
        user_name="Name",
        user_email="Mail",
        user_avatar="Bild",
        user_is_client="Kunde",
        user_status="Zustand",
        user_active_value="aktiv",
        user_department="Abteilung",
        user_team="Gruppe",
        user_role="Rolle",
        role_name="Bezeichnung",
        role_permissions="Rechte",
        permission_resource="Was",
        permission_actions="Wie",
    )
    ada, role, team, department = (ObjectId() for _ in range(4))
    document = {
        "_id": ada,
        "Name": "Ada",
        "Mail": "ada@example.com",
        "Bild": "https://pictures.example.com/ada.png",
        "Kunde": True,
        "Zustand": "aktiv",
        "Abteilung": department,
        "Gruppe": team,
        "Rolle": role,
        "name": "not this",
        "status": "disabled",
    }
    await erp["Mitarbeiter"].insert_one(document)
    await erp["Rollen"].insert_one(
        {"_id": role, "Bezeichnung": "Chef", "Rechte": [{"Was": "channels", "Wie": ["manage"]}]}
    )
    directory = Directory(erp, names)
    expected = UserRecord(
        id=str(ada),
        name="Ada",
        email="ada@example.com",
        avatar_url="https://pictures.example.com/ada.png",
        is_client=True,
        is_active=True,
        department_id=str(department),
        team_id=str(team),
        role=str(role),
    )
    assert await directory.users([str(ada)]) == {str(ada): expected}
    chef = RoleRecord("Chef", frozenset({"channels:manage"}))
    assert await directory.role(str(role)) == chef
    assert await directory.role("Chef") == chef
    await directory.ping()
