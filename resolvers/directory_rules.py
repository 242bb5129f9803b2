"""Which channels the directory makes, and whom it wants in them: every such rule in one place.

Plain questions about plain records: nothing here reads or writes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from resolvers.inputs import MAX_NAME
from resolvers.policy import ANSWER_SUPPORT
from storage.census import Company
from storage.directory_channels import Standing
from storage.records import ChannelType, DepartmentRecord, MemberRole

GENERAL = "general"

EVERY = "*"
"""Every department, among those that are chosen."""


@dataclass(frozen=True, slots=True)
class DirectoryRules:
    """What an operator decides about these channels."""

    types: frozenset[ChannelType] = frozenset(
        {
            ChannelType.DEPARTMENT,
            ChannelType.PROJECT,
            ChannelType.GENERAL,
            ChannelType.CLIENT_SUPPORT,
        }
    )
    """Which are made and kept in step; the others are left as they are."""
    general_name: str = "general"
    """What the channel of the whole company is called at first."""
    general_departments: frozenset[str] = frozenset()
    """Departments that have a general channel besides, by id or ``folded`` name, or ``EVERY``."""

    @property
    def kinds(self) -> list[str]:
        """How their keys begin."""
        return [_KINDS[type] for type in self.types]


_KINDS = {
    ChannelType.DEPARTMENT: "department:",
    ChannelType.PROJECT: "project:",
    ChannelType.GENERAL: GENERAL,
    ChannelType.CLIENT_SUPPORT: "client:",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A channel as the directory wants it."""

    key: str
    type: ChannelType
    name: str
    roles: Mapping[str, MemberRole | str]
    """Who is in it, and as what."""
    is_closed: bool = False
    department_id: str | None = None
    project_id: str | None = None

    @property
    def is_private(self) -> bool:
        """What a client and the support agents write is between them."""
        return self.type == ChannelType.CLIENT_SUPPORT

    @property
    def is_told(self) -> bool:
        """Whether those who come and go are told of. A client is not told who is hired."""
        return self.type in (ChannelType.DEPARTMENT, ChannelType.PROJECT)


@dataclass(slots=True)
class _Company:
    """The company, with its people as the rules look at them."""

    company: Company
    inside: set[str] = field(default_factory=set)
    """Active, and no clients."""
    active: set[str] = field(default_factory=set)
    clients: dict[str, str] = field(default_factory=dict)
    """The active ones' names."""
    agents: dict[str, MemberRole] = field(default_factory=dict)
    by_department: dict[str, set[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        answering = {
            name
            for id, role in self.company.roles.items()
            if ANSWER_SUPPORT in role.permissions
            for name in (id, role.name)
        }
        for id, person in self.company.people.items():
            if not person.is_active:
                continue
            self.active.add(id)
            if person.is_client:
                self.clients[id] = person.name
                continue
            self.inside.add(id)
            if person.role in answering:
                self.agents[id] = MemberRole.OWNER
            if person.department_id:
                self.by_department.setdefault(person.department_id, set()).add(id)


def wanted(
    company: Company, rules: DirectoryRules, known: Mapping[str, Standing]
) -> dict[str, Wanted]:
    """Every channel there should be, by its key.

    ``known`` are those there are already: one whose department, project or client the
    directory has no longer is closed, and so is that of a department that is chosen no longer.
    """
    found = _Company(company)
    channels = {
        channel.key: channel
        for channel in _channels(found, rules)
        # What was closed before it ever had a channel needs none.
        if channel.key in known or not channel.is_closed
    }
    for key, standing in known.items():
        if key not in channels:
            channels[key] = _gone(found, standing)
    return channels


def _channels(found: _Company, rules: DirectoryRules) -> Iterator[Wanted]:
    if ChannelType.DEPARTMENT in rules.types:
        yield from _departments(found)
    if ChannelType.PROJECT in rules.types:
        yield from _projects(found)
    if ChannelType.GENERAL in rules.types:
        yield from _generals(found, rules)
    if ChannelType.CLIENT_SUPPORT in rules.types:
        for id, name in found.clients.items():
            yield Wanted(
                f"client:{id}",
                ChannelType.CLIENT_SUPPORT,
                _name(name, "Client"),
                {**found.agents, id: MemberRole.MEMBER},
            )


def _departments(found: _Company) -> Iterator[Wanted]:
    for id, department in found.company.departments.items():
        yield Wanted(
            f"department:{id}",
            ChannelType.DEPARTMENT,
            _name(department.name, "Department"),
            _staff(found, department),
            department_id=id,
        )


def _generals(found: _Company, rules: DirectoryRules) -> Iterator[Wanted]:
    everybody = dict.fromkeys(found.inside, MemberRole.MEMBER)
    yield Wanted(GENERAL, ChannelType.GENERAL, rules.general_name, everybody)
    chosen = rules.general_departments
    for id, department in found.company.departments.items():
        if not chosen.isdisjoint((EVERY, id, folded(department.name))):
            yield Wanted(
                f"{GENERAL}:{id}",
                ChannelType.GENERAL,
                _name(f"{rules.general_name} {department.name}", GENERAL),
                _staff(found, department),
                department_id=id,
            )


def _staff(found: _Company, department: DepartmentRecord) -> dict[str, MemberRole]:
    """A department's people and its head, who need not be one of them."""
    roles = dict.fromkeys(found.by_department.get(department.id, ()), MemberRole.MEMBER)
    if department.head_id in found.inside:
        roles[department.head_id] = MemberRole.ADMIN
    return roles


def _projects(found: _Company) -> Iterator[Wanted]:
    for id, project in found.company.projects.items():
        # Clients too: whoever assigned them wanted them in it.
        assigned = project.assigned_ids & found.active
        yield Wanted(
            f"project:{id}",
            ChannelType.PROJECT,
            _name(project.name, "Project"),
            dict.fromkeys(assigned, MemberRole.MEMBER),
            is_closed=project.is_closed,
            project_id=id,
        )


def _gone(found: _Company, standing: Standing) -> Wanted:
    kind, _, id = standing.key.partition(":")
    match kind:
        case "department":
            type, stay = ChannelType.DEPARTMENT, found.by_department.get(id, set())
        case "general":
            type, stay = ChannelType.GENERAL, found.by_department.get(id, set())
        case "client":
            type, stay = ChannelType.CLIENT_SUPPORT, found.agents.keys() | {id} & found.active
        case _:
            type, stay = ChannelType.PROJECT, found.active
    roles = {who: role for who, role in standing.roles.items() if who in stay}
    return Wanted(standing.key, type, standing.name, roles, is_closed=True)


def folded(name: str) -> str:
    """The name as it is compared with another: case and spaces aside."""
    return " ".join(name.split()).casefold()


def _name(name: str, nameless: str) -> str:
    """A name that a channel can have."""
    words = name.replace("\x00", "").split()
    return " ".join(words)[:MAX_NAME].rstrip() or nameless
