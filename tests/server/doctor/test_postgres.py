"""The doctor about PostgreSQL: where it is, what is in it, and whether the bell is heard."""

from typing import Any

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from server.doctor.postgres import judge_version
from server.doctor.report import Report
from tests.server.doctor.asking import findings, remarks
from tests.servers import Fresh


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"password": "hunter2"}, "refuses the user name or the password"),
        ({"database": "hunter2"}, "has no such database"),
        ({"host": "nowhere.invalid"}, "its host name is not known"),
        ({"query": {"sslmode": "require"}}, "a TLS connection to it is not possible"),
    ],
)
async def test_postgres_refuses(good: dict[str, Any], change: dict[str, Any], line: str) -> None:
    url = make_url(good["database_url"]).set(**change).render_as_string(hide_password=False)
    assert await remarks(good, database_url=url, background_url=None) == [
        ("PostgreSQL", f"{line} (BACKCHANNEL_DATABASE_URL)"),
        ("LISTEN", f"{line} (BACKCHANNEL_DATABASE_URL)"),
    ]


async def test_an_address_nobody_can_read(good: dict[str, Any]) -> None:
    found = await remarks(good, database_url="postgresql://a:hunter2@h:port/d", background_url=None)
    assert found[0] == ("PostgreSQL", "its address cannot be read (BACKCHANNEL_DATABASE_URL)")


async def test_postgres_without_a_schema(good: dict[str, Any], fresh: Fresh) -> None:
    async with fresh.database(migrated=False) as url:
        assert await remarks(good, database_url=url, background_url=None) == [
            ("PostgreSQL", "has no schema yet: run backchannel migrate")
        ]


async def test_postgres_with_a_newer_schema(good: dict[str, Any], database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    await connection.execute("update alembic_version set version_num = '9999'")
    await connection.close()
    newer = make_url(database_url).database
    urls = {
        name: make_url(good[name]).set(database=newer).render_as_string(hide_password=False)
        for name in ("database_url", "background_url")
    }
    (finding,) = (each for each in await findings(good, **urls) if each.level != "ok")
    assert finding.ok
    assert finding.line.startswith("has the schema 9999, newer than ")


async def test_more_workers_than_connections(good: dict[str, Any]) -> None:
    (finding,) = (each for each in await findings(good, workers=200) if each.level != "ok")
    assert finding.ok
    assert finding.line.endswith("(BACKCHANNEL_DATABASE_POOL_MAX and one) is 2200")


@pytest.mark.parametrize(
    ("version", "level"),
    [(13, "problem"), (14, "problem"), (15, "ok"), (18, "ok"), (19, "warning")],
)
def test_versions(version: int, level: str) -> None:
    report = Report("PostgreSQL")
    judge_version(version, 1, report)
    (finding,) = report.findings
    assert finding.level == level
    assert finding.line.startswith(f"is version {version}.1")


async def test_a_bell_that_nobody_hears(
    good: dict[str, Any], fresh: Fresh, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pooler swallows notifications; so does listening in another database."""
    monkeypatch.setattr("server.doctor.postgres.ECHO", 0.5)
    async with fresh.database() as elsewhere:
        found = await remarks(good, listen_url=elsewhere)
    line = (
        "no NOTIFY arrives; BACKCHANNEL_LISTEN_URL must lead to the same database, "
        "not through a pooler in transaction mode"
    )
    assert found == [("LISTEN", line)]
