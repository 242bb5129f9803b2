"""The table of who may do what, as docs/security.md has it, and the people and channels in it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from storage.records import ChannelType, MemberRole

PAGE = Path(__file__).parents[2] / "docs" / "security.md"

PEOPLE = {
    "S": "super admin",
    "H": "everything below but support:answer",
    "K": "channels:create",
    "M": "channels:manage",
    "P": "members:manage",
    "G": "general_channels:post",
    "A": "support:answer",
    "I": "no permission",
    "O": "no permission, of another team and department",
    "C": "client",
}
EVERYBODY = frozenset(PEOPLE)
INSIDE = EVERYBODY - {"C"}

OURS, THEIRS = "a" * 24, "b" * 24
"""Departments: of everybody but O, and of O."""

CHANNELS: dict[str, tuple[ChannelType, dict[str, Any]]] = {
    "direct message": (ChannelType.DM, {"is_private": True}),
    "private group": (ChannelType.GROUP, {"is_private": True}),
    "public group": (ChannelType.GROUP, {}),
    "general, of the company": (ChannelType.GENERAL, {}),
    "general, of a department": (ChannelType.GENERAL, {"department_id": OURS}),
    "department": (ChannelType.DEPARTMENT, {"department_id": OURS}),
    "project": (ChannelType.PROJECT, {"project_id": "c" * 24}),
    "project, private": (ChannelType.PROJECT, {"is_private": True, "project_id": "c" * 24}),
    "client support": (ChannelType.CLIENT_SUPPORT, {}),
    "client support, private": (ChannelType.CLIENT_SUPPORT, {"is_private": True}),
}
ROLES: dict[str, MemberRole | None] = {
    "none": None,
    "member": MemberRole.MEMBER,
    "admin": MemberRole.ADMIN,
    "owner": MemberRole.OWNER,
}


class Cell(NamedTuple):
    """Who may do one thing in one place."""

    channel: str
    role: str
    action: str
    who: frozenset[str]


@dataclass(frozen=True)
class Row:
    """One kind of channel, and one place in it."""

    channel: str
    role: str
    cells: dict[str, frozenset[str]]

    def __str__(self) -> str:
        """For the names of tests."""
        return f"{self.channel}-{self.role}".replace(" ", "_")


def rows() -> list[Row]:
    """The table under "In a channel"."""
    header, *body = list(table_under(PAGE.read_text(), "### In a channel"))
    return [
        Row(cells[0], cells[1], dict(zip(header[2:], map(_people, cells[2:]), strict=True)))
        for cells in body
    ]


def table_under(text: str, heading: str) -> Iterator[list[str]]:
    """The rows of the table under this heading of a page, its header first."""
    _, _, section = text.partition(heading + "\n")
    assert section, heading
    for line in section.splitlines():
        if line.startswith("#"):
            break
        if line.startswith("|") and not line.startswith("| ---"):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def _people(cell: str) -> frozenset[str]:
    found: set[str] = set()
    for word in cell.split():
        if word == "all":
            found |= EVERYBODY
        elif word == "inside":
            found |= INSIDE
        elif word != "–":
            assert word in PEOPLE, word
            found.add(word)
    return frozenset(found)
