"""The logins of PostgreSQL: whether each can do its work, and whether it can do more than that."""

from server.doctor.line import connected, working_as
from server.doctor.report import Report
from server.logins import BACKGROUND, excess, missing
from server.probes import UnfitError
from server.section import variable
from server.settings import Settings
from storage import logins
from storage.logins import Login
from storage.sight import Role


async def check_background(settings: Settings, report: Report) -> None:
    """The login for what is done for nobody in particular."""
    async with connected(settings.background) as connection:
        login = await logins.look(connection)
    require_roles(login, BACKGROUND, "background_url")
    async with working_as(Role.SYNC, settings.past_poolers):
        pass
    remark(login, BACKGROUND, "background_url", report)
    if not report.findings:
        report.fine("the login can do its work, and nothing besides")


async def check_owner(settings: Settings, report: Report) -> None:
    """The login that migrates."""
    name = variable("owner_url")
    async with connected(settings.owner) as connection:
        login = await logins.look(connection)
    if not login.has_tables and not login.can_create:
        report.wrong(f"the login may not create tables ({name})")
    elif login.has_tables and not login.owns_tables:
        report.wrong(f"the login does not own the tables, and cannot migrate them ({name})")
    else:
        report.fine("the login can migrate")


def require_roles(login: Login, roles: frozenset[Role], setting: str) -> None:
    """Raises UnfitError for a login that may not become all of these."""
    lacking = missing(login, roles)
    if lacking:
        raise UnfitError(
            f"the login may not become {', '.join(lacking)}: grant it to the login"
            f" ({variable(setting)})"
        )


def remark(login: Login, roles: frozenset[Role], setting: str, report: Report) -> None:
    """Warn of what a login that works as these roles may do besides."""
    for line in excess(login, roles):
        report.warn(f"the login {line} ({variable(setting)})")
