"""Logins: whether those in the settings can do their work, and no more than that."""

from collections.abc import Iterable, Iterator

import structlog

from server.section import variable
from server.settings import Settings
from storage import logins
from storage.errors import Refusal
from storage.logins import Login
from storage.postgres import Connection
from storage.sight import Role

OPERATIONS = frozenset({Role.APP})
BACKGROUND = frozenset(Role) - OPERATIONS

log = structlog.get_logger(__name__)


def needed(settings: Settings, name: str) -> frozenset[Role]:
    """The roles that the login in this setting works as."""
    if name == "background_url":
        return BACKGROUND
    return OPERATIONS if settings.background_url else OPERATIONS | BACKGROUND


def missing(login: Login, roles: Iterable[Role]) -> list[str]:
    """The roles that it would have to become and may not."""
    return sorted(set(roles) - set(login.becomes))


def excess(login: Login, roles: Iterable[Role]) -> Iterator[str]:
    """What it may do besides, as predicates: what a statement that leaves its role may do."""
    if login.is_superuser:
        yield "is a superuser: nothing is refused to a statement that leaves its role"
        return
    if login.bypasses_row_security:
        yield "has bypassrls: rows are not kept from a statement that leaves its role"
    if login.owns_tables:
        yield "owns the tables, and can change them and their policies"
    elif login.can_create:
        yield "may create in the schema, which only migrations need"
    if login.makes_roles:
        yield "has createrole, which only the first migration needs"
    others = sorted(set(login.becomes) - set(roles))
    if others:
        yield f"may become {', '.join(others)}, which it does not need"
    # As the role of operations nobody sees anything without a viewer.
    inherited = sorted(set(login.inherits) - {Role.APP})
    if inherited:
        yield f"has the rights of {', '.join(inherited)} without becoming them (inherit false)"


async def warn(settings: Settings, connection: Connection) -> None:
    """Log what the login of operations may do that it need not. Not a reason to refuse: one
    login for all is how most begin. Says nothing where PostgreSQL does not answer.
    """
    try:
        login = await logins.look(connection)
    except Refusal:
        return
    for line in excess(login, needed(settings, "database_url")):
        log.warning("database.login", setting=variable("database_url"), login=line)
