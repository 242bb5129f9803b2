"""Who is in the demo's company, and which channels they have. Ids never change."""

from dataclasses import dataclass, field
from typing import Any

from bson import ObjectId

from storage.records import ChannelType, MemberRole

DIRECTORY_IDS = "68b5000000000000000000"
"""All but the last two of the 24 hex digits of everything in the directory."""

CHANNEL_IDS = "01990000-0000-7000-8000-0000000000"

HEADQUARTERS = ObjectId(f"{DIRECTORY_IDS}10")
"""The team all employees are in, so that anybody may write to anybody."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody, and what they are there."""

    key: str
    id: str
    name: str
    role: str | None
    department: str | None = None
    about: str = ""

    @property
    def is_client(self) -> bool:
        """Clients have no role."""
        return self.role is None


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel, and who is in it as what; the first is its creator."""

    key: str
    id: str
    type: ChannelType
    members: dict[str, MemberRole]
    name: str | None = None
    topic: str | None = None
    is_private: bool = False
    department: str | None = None
    project: str | None = None
    directory_key: str | None = None
    """What the directory wants it for; it wants in it just those who are."""
    days_old: int = 60
    muted_by: frozenset[str] = field(default_factory=frozenset)
    pinned_by: frozenset[str] = field(default_factory=frozenset)


def _people() -> dict[str, Person]:
    cast = [
        ("alice", "Alice Moreau", "super_admin", None, "runs the company, sees everything"),
        ("bob", "Bob Lindqvist", "support_agent", None, "answers clients"),
        ("carol", "Carol Jensen", "department_head", "engineering", "heads engineering"),
        ("dave", "Dave Okafor", "employee", "engineering", "engineer"),
        ("erin", "Erin Castillo", "employee", "sales", "sells"),
        ("frank", "Frank Weber", None, None, "client"),
        ("grace", "Grace Tanaka", None, None, "client, has only just come"),
    ]
    return {
        key: Person(key, f"{DIRECTORY_IDS}a{number}", name, role, department, about)
        for number, (key, name, role, department, about) in enumerate(cast, 1)
    }


PEOPLE = _people()

DEPARTMENTS = {
    "engineering": ObjectId(f"{DIRECTORY_IDS}d1"),
    "sales": ObjectId(f"{DIRECTORY_IDS}d2"),
}
HEADS = {"engineering": "carol"}

PROJECTS = {"apollo": ObjectId(f"{DIRECTORY_IDS}b1")}
ASSIGNED = {"apollo": ("carol", "dave", "erin")}

ROLES: dict[str, dict[str, list[str]]] = {
    "super_admin": {
        "channels": ["create", "manage"],
        "general_channels": ["post"],
        "members": ["manage"],
    },
    "department_head": {
        "channels": ["create"],
        "general_channels": ["post"],
        "members": ["manage"],
    },
    "employee": {"channels": ["create"], "general_channels": ["post"]},
    "support_agent": {
        "channels": ["create"],
        "general_channels": ["post"],
        "support": ["answer"],
    },
}
ROLE_IDS = {name: ObjectId(f"{DIRECTORY_IDS}e{n}") for n, name in enumerate(ROLES, 1)}

OWNER, ADMIN, MEMBER = MemberRole.OWNER, MemberRole.ADMIN, MemberRole.MEMBER

CHANNELS = {
    channel.key: channel
    for channel in (
        Channel(
            "general",
            f"{CHANNEL_IDS}01",
            ChannelType.GENERAL,
            {"alice": ADMIN, "bob": MEMBER, "carol": MEMBER, "dave": MEMBER, "erin": MEMBER},
            name="general",
            topic="News for everybody",
            directory_key="general",
            days_old=80,
            pinned_by=frozenset({"carol"}),
        ),
        Channel(
            "engineering",
            f"{CHANNEL_IDS}02",
            ChannelType.DEPARTMENT,
            {"carol": ADMIN, "dave": MEMBER},
            name="Engineering",
            topic="What we build and what breaks",
            department="engineering",
            directory_key=f"department:{DEPARTMENTS['engineering']}",
        ),
        Channel(
            "sales",
            f"{CHANNEL_IDS}03",
            ChannelType.DEPARTMENT,
            {"erin": MEMBER},
            name="Sales",
            topic="Pipeline and prices",
            department="sales",
            directory_key=f"department:{DEPARTMENTS['sales']}",
        ),
        Channel(
            "apollo",
            f"{CHANNEL_IDS}04",
            ChannelType.PROJECT,
            {"carol": MEMBER, "dave": MEMBER, "erin": MEMBER},
            name="Apollo",
            topic="The new customer portal: launch on the 1st",
            project="apollo",
            directory_key=f"project:{PROJECTS['apollo']}",
            days_old=40,
            pinned_by=frozenset({"dave"}),
        ),
        Channel(
            "random",
            f"{CHANNEL_IDS}05",
            ChannelType.GROUP,
            {"dave": OWNER, "alice": MEMBER, "bob": MEMBER, "carol": MEMBER},
            name="random",
            topic="Lunch, music, the coffee machine",
            muted_by=frozenset({"carol"}),
        ),
        Channel(
            "leadership",
            f"{CHANNEL_IDS}06",
            ChannelType.GROUP,
            {"alice": OWNER, "carol": MEMBER},
            name="leadership",
            topic="Budget and hiring",
            is_private=True,
        ),
        Channel(
            "dm-carol-dave",
            f"{CHANNEL_IDS}07",
            ChannelType.DM,
            {"carol": MEMBER, "dave": MEMBER},
            is_private=True,
            days_old=30,
        ),
        Channel(
            "support-frank",
            f"{CHANNEL_IDS}08",
            ChannelType.CLIENT_SUPPORT,
            {"frank": MEMBER, "bob": OWNER},
            name="Frank Weber",
            topic="Weber Logistics",
            directory_key=f"client:{PEOPLE['frank'].id}",
            is_private=True,
            days_old=20,
        ),
        Channel(
            "support-grace",
            f"{CHANNEL_IDS}09",
            ChannelType.CLIENT_SUPPORT,
            {"grace": MEMBER, "bob": OWNER},
            name="Grace Tanaka",
            directory_key=f"client:{PEOPLE['grace'].id}",
            is_private=True,
            days_old=1,
        ),
    )
}


def wanted_role(channel: Channel, key: str) -> MemberRole:
    """What the directory makes of somebody in a channel; there may be more to them by hand."""
    if channel.type == ChannelType.GENERAL:
        return MEMBER
    return channel.members[key]


def directory() -> dict[str, list[dict[str, Any]]]:
    """What the host application has in its MongoDB, by collection."""
    return {
        "users": [
            {
                "_id": ObjectId(person.id),
                "name": person.name,
                "email": f"{person.key}@{'example.net' if person.is_client else 'example.com'}",
                "avatar": None,
                "isClient": person.is_client,
                "status": "active",
                "departmentId": DEPARTMENTS.get(person.department or ""),
                "teamId": None if person.is_client else HEADQUARTERS,
                "role": ROLE_IDS.get(person.role or ""),
            }
            for person in PEOPLE.values()
        ],
        "departments": [
            {
                "_id": id,
                "name": key.capitalize(),
                "headId": ObjectId(PEOPLE[HEADS[key]].id) if key in HEADS else None,
            }
            for key, id in DEPARTMENTS.items()
        ],
        "projects": [
            {
                "_id": id,
                "name": key.capitalize(),
                "departmentId": DEPARTMENTS["engineering"],
                "assignedUserIds": [ObjectId(PEOPLE[person].id) for person in ASSIGNED[key]],
            }
            for key, id in PROJECTS.items()
        ],
        "roles": [
            {
                "_id": ROLE_IDS[name],
                "name": name,
                "permissions": [
                    {"resource": resource, "actions": actions}
                    for resource, actions in permissions.items()
                ],
            }
            for name, permissions in ROLES.items()
        ],
    }
