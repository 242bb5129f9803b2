import asyncio
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import asyncpg
import psycopg
import pytest
from alembic.script import ScriptDirectory
from alembic.util import CommandError

import migrations
from server.embedded import system_user
from server.libpq import libpq_url
from server.migrate import current, head, migrate


def dump(empty_url: str) -> list[str]:
    done = subprocess.run(
        [system_user.PROGRAMS / "pg_dump", "--schema-only", "--dbname", empty_url],
        capture_output=True,
        text=True,
        check=True,
    )
    # \restrict and \unrestrict carry a key that is new in each dump.
    return [line for line in done.stdout.splitlines() if not line.startswith("\\")]


async def tables(empty_url: str) -> set[str]:
    connection = await asyncpg.connect(empty_url)
    try:
        rows = await connection.fetch("select tablename from pg_tables where schemaname = 'public'")
    finally:
        await connection.close()
    return {row["tablename"] for row in rows}


async def test_up_leads_to_the_head_and_down_to_nothing(empty_url: str) -> None:
    assert current(empty_url) is None
    migrate(empty_url)
    assert current(empty_url) == head()
    assert {"channels", "members", "messages", "events"} < await tables(empty_url)
    migrate(empty_url, "base")
    assert current(empty_url) is None
    assert await tables(empty_url) == {"alembic_version"}


async def test_every_step_back_and_forth_leaves_the_same_schema(empty_url: str) -> None:
    script = ScriptDirectory(Path(migrations.__file__).parent)
    oldest_first = [step.revision for step in script.walk_revisions()][::-1]
    before: list[list[str]] = []
    for revision in oldest_first:
        migrate(empty_url, revision)
        before.append(dump(empty_url))
    for revision, schema in list(zip(oldest_first, before, strict=True))[-2::-1]:
        migrate(empty_url, revision)
        assert dump(empty_url) == schema
    migrate(empty_url, "base")
    migrate(empty_url)
    assert dump(empty_url) == before[-1]


def test_the_head_is_what_alembic_says_it_is() -> None:
    script = ScriptDirectory(Path(migrations.__file__).parent)
    assert head() == script.get_current_head()
    assert [step.revision for step in script.walk_revisions()] == sorted(
        (step.revision for step in script.walk_revisions()), reverse=True
    )


async def test_once_more_changes_nothing(empty_url: str) -> None:
    migrate(empty_url)
    schema = dump(empty_url)
    migrate(empty_url)
    assert dump(empty_url) == schema


async def test_several_processes_at_once_migrate_once(empty_url: str) -> None:
    program = "import sys; from server.migrate import migrate; migrate(sys.argv[1])"
    root = Path(migrations.__file__).parents[1]
    running = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", program, empty_url, cwd=root)
        for _ in range(3)
    ]
    assert [await process.wait() for process in running] == [0, 0, 0]
    assert current(empty_url) == head()


async def test_several_threads_at_once_migrate_once(empty_url: str) -> None:
    await asyncio.gather(*(asyncio.to_thread(migrate, empty_url) for _ in range(4)))
    assert current(empty_url) == head()


async def test_a_failing_migration_leaves_no_trace(empty_url: str) -> None:
    connection = await asyncpg.connect(empty_url)
    try:
        await connection.execute("create table events (surprise text)")
    finally:
        await connection.close()
    with pytest.raises(psycopg.errors.DuplicateTable):
        migrate(empty_url)
    assert current(empty_url) is None
    assert await tables(empty_url) == {"events"}


async def test_a_revision_nobody_knows_is_refused(empty_url: str) -> None:
    with pytest.raises(CommandError):
        migrate(empty_url, "9999")


def test_a_database_nobody_answers_for_is_an_operational_error() -> None:
    with pytest.raises(psycopg.OperationalError):
        migrate("postgresql://127.0.0.1:1/nothing")


@pytest.mark.parametrize(
    ("parameters", "setting", "value"),
    [
        ("application_name=chat%20server", "application_name", "chat server"),
        ("search_path=public,pg_temp", "search_path", "public,pg_temp"),
        ("datestyle=SQL,%20DMY", "DateStyle", "SQL, DMY"),
        ("statement_timeout=9000&options=-c%20lock_timeout%3D8000", "lock_timeout", "8s"),
        ("sslmode=disable", "ssl", "off"),
    ],
)
async def test_a_url_means_the_same_as_to_asyncpg(
    empty_url: str, parameters: str, setting: str, value: str
) -> None:
    url = f"{empty_url}?{parameters}"
    connection = await asyncpg.connect(url)
    try:
        assert await connection.fetchval(f"show {setting}") == value
    finally:
        await connection.close()
    with psycopg.connect(libpq_url(url)) as same:
        assert same.execute(f"show {setting}").fetchone() == (value,)


async def test_a_url_may_name_everything_in_its_parameters(empty_url: str) -> None:
    login, _, rest = empty_url.removeprefix("postgresql://").partition("@")
    user, _, password = login.partition(":")
    address, _, database = rest.partition("/")
    host, _, port = address.partition(":")
    url = (
        f"postgres://?host={host}&port={port}&user={user}"
        f"&password={quote(password)}&database={database}"
    )
    migrate(url)
    assert current(empty_url) == head()


def test_the_sql_says_nothing_about_transactions() -> None:
    for file in (Path(migrations.__file__).parent / "sql").glob("*.sql"):
        words = file.read_text(encoding="utf-8").lower().split()
        assert not {"begin;", "commit;", "rollback;"} & set(words), file.name
