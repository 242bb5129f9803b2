"""The doctor on logins: what each in the settings may do, tried with real ones."""

from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest
from sqlalchemy.engine import make_url
from structlog.testing import capture_logs

from server import logins
from server.doctor.logins import check_background, check_owner
from server.doctor.postgres import check_listen, check_postgres
from server.doctor.report import Report
from server.probes import UnfitError
from server.settings import Settings
from storage.lines import UnfitLineError
from storage.postgres import Database
from storage.sight import Role
from tests.logins import BACKGROUND, OPERATIONS, login
from tests.pooler import Pooler
from tests.servers import Fresh

Check = Callable[[Settings, Report], Awaitable[None]]


def settings(**urls: Any) -> Settings:
    return Settings(
        mongo_url="mongodb://nowhere",
        mongo_database="erp",
        s3_bucket="files",
        jwt_secret="a secret of the tests, long enough",
        **urls,
    )


async def remarks(check: Check, **urls: Any) -> list[tuple[str, str]]:
    """All that is not as it should be."""
    report = Report("PostgreSQL")
    try:
        await check(settings(**urls), report)
    except UnfitError as error:
        report.wrong(str(error))
    return [(found.level, found.line) for found in report.findings if found.level != "ok"]


async def asked(database_url: str, *statements: str) -> None:
    """Statements of whoever owns everything."""
    connection = await asyncpg.connect(database_url)
    for statement in statements:
        await connection.execute(statement)
    await connection.close()


async def test_a_login_for_each_is_nothing_to_remark(database_url: str) -> None:
    async with (
        login(database_url, *OPERATIONS) as operations,
        login(database_url, *BACKGROUND) as background,
    ):
        urls = {
            "database_url": operations,
            "background_url": background,
            "owner_url": database_url,
        }
        for check in (check_postgres, check_background, check_owner, check_listen):
            assert await remarks(check, **urls) == []


async def test_one_login_for_all_is_fine_if_it_is_nobody_else(database_url: str) -> None:
    async with login(database_url, *Role) as url:
        assert await remarks(check_postgres, database_url=url) == []


SUPERUSER = "is a superuser: nothing is refused to a statement that leaves its role"
BYPASSES = "has bypassrls: rows are not kept from a statement that leaves its role"
MAKES_ROLES = "has createrole, which only the first migration needs"
OWNS = "owns the tables, and can change them and their policies"
CREATES = "may create in the schema, which only migrations need"
BECOMES = "may become backchannel_live, backchannel_sync, which it does not need"
INHERITS = "has the rights of backchannel_live without becoming them (inherit false)"


@pytest.mark.parametrize(
    ("given", "statements", "lines"),
    [
        ({"attributes": "superuser"}, [], [SUPERUSER]),
        ({"attributes": "bypassrls"}, [], [BYPASSES]),
        ({"attributes": "createrole"}, [], [MAKES_ROLES]),
        ({}, ["alter table channels owner to {login}"], [OWNS]),
        ({}, ["grant create on schema public to {login}"], [CREATES]),
        ({"roles": (Role.LIVE, Role.SYNC)}, [], [BECOMES]),
        (
            {"roles": (Role.LIVE,), "inherits": True},
            [],
            [BECOMES.replace(", backchannel_sync", ""), INHERITS],
        ),
    ],
    ids=["superuser", "bypassrls", "createrole", "owner", "create", "other roles", "inherit"],
)
async def test_what_the_login_of_operations_may_do_besides_is_said(
    database_url: str, given: dict[str, Any], statements: list[str], lines: list[str]
) -> None:
    """By the doctor, and by the server when it starts."""
    roles = (*OPERATIONS, *given.pop("roles", ()))
    async with (
        login(database_url, *roles, **given) as url,
        login(database_url, *BACKGROUND) as background,
    ):
        name = make_url(url).username
        await asked(database_url, *(each.format(login=name) for each in statements))
        urls = {"database_url": url, "background_url": background}
        assert await remarks(check_postgres, **urls) == [
            ("warning", f"the login {line} (BACKCHANNEL_DATABASE_URL)") for line in lines
        ]
        database = await Database.connect(url, role=Role.APP, min_size=1)
        with capture_logs() as logged:
            await logins.warn(settings(**urls), database)
        await database.close()
    assert logged == [
        {
            "event": "database.login",
            "log_level": "warning",
            "setting": "BACKCHANNEL_DATABASE_URL",
            "login": line,
        }
        for line in lines
    ]


@pytest.mark.parametrize(
    ("check", "roles", "lacking"),
    [
        (
            check_postgres,
            [Role.LIVE],
            "backchannel_app, backchannel_janitor, backchannel_sync",
        ),
        (
            check_background,
            [Role.LIVE, Role.APP],
            "backchannel_janitor, backchannel_sync",
        ),
    ],
    ids=["operations", "background"],
)
async def test_a_login_that_may_not_become_what_it_has_to_is_a_problem(
    database_url: str, check: Check, roles: list[Role], lacking: str
) -> None:
    async with login(database_url, *roles) as url:
        place = "database_url" if check is check_postgres else "background_url"
        name = f"BACKCHANNEL_{place.upper()}"
        line = f"the login may not become {lacking}: grant it to the login ({name})"
        assert await remarks(check, **{"database_url": url, place: url}) == [("problem", line)]


async def test_a_background_login_that_may_do_more_is_remarked_too(database_url: str) -> None:
    async with login(database_url, *Role, attributes="bypassrls") as url:
        lines = [BYPASSES, "may become backchannel_app, which it does not need"]
        assert await remarks(check_background, database_url=url, background_url=url) == [
            ("warning", f"the login {line} (BACKCHANNEL_BACKGROUND_URL)") for line in lines
        ]


async def test_an_owner_who_cannot_migrate_is_a_problem(database_url: str, fresh: Fresh) -> None:
    async with login(database_url, *Role) as url:
        line = "the login does not own the tables, and cannot migrate them (BACKCHANNEL_OWNER_URL)"
        found = await remarks(check_owner, database_url=url, owner_url=url)
        assert found == [("problem", line)]
    async with fresh.database(migrated=False) as empty, login(empty) as url:
        assert await remarks(check_owner, database_url=url, owner_url=url) == [
            ("problem", "the login may not create tables (BACKCHANNEL_OWNER_URL)")
        ]
        await asked(empty, f"grant create on schema public to {make_url(url).username}")
        assert await remarks(check_owner, database_url=url, owner_url=url) == []


async def test_a_pooler_that_lends_sessions_is_a_problem_wherever_it_is(database_url: str) -> None:
    async with (
        login(database_url, *OPERATIONS) as operations,
        login(database_url, *BACKGROUND) as background,
        Pooler.to(operations) as pooled,
        Pooler.to(background) as pooled_too,
    ):
        good = {"database_url": operations, "background_url": background}
        for check, place, pooler in (
            (check_postgres, "database_url", pooled),
            (check_background, "background_url", pooled_too),
            (check_listen, "listen_url", pooled_too),
        ):
            with pytest.raises(UnfitLineError, match="lends sessions"):
                await check(settings(**{**good, place: pooler}), Report("PostgreSQL"))
