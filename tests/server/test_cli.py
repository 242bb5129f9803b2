import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import jwt
import pytest
from bson import ObjectId
from pymongo import AsyncMongoClient
from typer.testing import CliRunner, Result

import server.cli
from schema import printed
from server.migrate import current, head
from tests.servers import Fresh, Servers

ROOT = Path(server.cli.__file__).parents[1]
SECRET = "a secret for tests that is long enough"
ID = "6560a1b2c3d4e5f60718293a"


def environment(**settings: str) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "COLUMNS": "200",
        **{f"BACKCHANNEL_{name.upper()}": value for name, value in settings.items()},
    }


def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "server.cli", *arguments],
        env=environment(**settings),
        capture_output=True,
        text=True,
        timeout=50,
    )


def told(*arguments: str, **settings: str) -> Result:
    """What a command says and how it ends, in this process: most of one of its own is imports.

    Each command is also run once as a process, which shows that it imports what it needs.
    """
    names = {f"BACKCHANNEL_{name.upper()}": value for name, value in settings.items()}
    return CliRunner().invoke(server.cli.app, arguments, env=names, catch_exceptions=False)


async def tells(*arguments: str, **settings: str) -> Result:
    """The same beside the servers' loop, as commands bring one of their own."""
    return await asyncio.to_thread(told, *arguments, **settings)


def test_help_names_the_commands_and_imports_none_of_what_they_need() -> None:
    done = run("--help")
    assert done.returncode == 0
    for command in ("serve", "migrate", "sync", "demo", "token", "export-schema", "doctor"):
        assert f" {command} " in done.stdout
    show = "print(*sys.modules)"
    program = f"import sys, server.cli; {show}; import server.settings; {show}"
    loaded = subprocess.run(
        [sys.executable, "-c", program], env=environment(), capture_output=True, text=True
    )
    for_help, for_settings = (set(line.split()) for line in loaded.stdout.splitlines())
    heavy = {"strawberry", "graphql", "alembic", "pymongo", "aioboto3"}
    assert not for_help & (heavy | {"pydantic", "asyncpg"})
    # Wrong settings are told at once, and a token is made without the rest of the house.
    assert not for_settings & heavy


def test_a_server_without_settings_says_so_in_a_line_each() -> None:
    done = run("serve")
    assert (done.returncode, done.stdout) == (2, "")
    assert "BACKCHANNEL_DATABASE_URL is required\n" in done.stderr
    assert all(line.startswith("BACKCHANNEL_") for line in done.stderr.splitlines())


@pytest.mark.parametrize("command", ["migrate", "sync", "doctor"])
def test_missing_settings_are_a_line_each(command: str) -> None:
    done = told(command)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "BACKCHANNEL_DATABASE_URL is required\n" in done.stderr
    assert all(line.startswith("BACKCHANNEL_") for line in done.stderr.splitlines())


def test_arguments_are_settings_too() -> None:
    done = run("serve", "--workers", "1000")
    assert done.returncode == 2
    assert "BACKCHANNEL_WORKERS " in done.stderr


def test_the_schema_is_the_printed_one() -> None:
    assert run("export-schema").stdout == printed()


def test_a_token_is_good_for_as_long_as_said() -> None:
    before = time.time()
    done = run("token", ID, "--lifetime", "60", jwt_secret=SECRET, jwt_audience="chat")
    claims = jwt.decode(done.stdout.strip(), SECRET, algorithms=["HS256"], audience="chat")
    assert claims["sub"] == ID
    assert before + 59 < claims["exp"] < time.time() + 61


@pytest.mark.parametrize(
    ("user", "settings", "why"),
    [
        ("carol", {"jwt_secret": SECRET}, "'carol' is no id of a person: those have 24 hex digits"),
        (ID, {"jwt_secret": "short"}, "BACKCHANNEL_JWT_SECRET must be at least 32 bytes long"),
        (
            ID,
            {"jwt_jwks_url": "https://id.example.com/jwks"},
            "BACKCHANNEL_JWT_SECRET is required: the keys of a JWKS are not ours",
        ),
    ],
)
def test_what_no_token_can_be_made_of_is_one_line(
    user: str, settings: dict[str, str], why: str
) -> None:
    done = told("token", user, **settings)
    assert (done.exit_code, done.stdout, done.stderr) == (2, "", f"{why}\n")


async def test_migrate_goes_where_it_is_told(fresh: Fresh) -> None:
    async with fresh.database(migrated=False) as url:
        done = await tells("migrate", database_url=url)
        assert (done.exit_code, done.stdout) == (0, f"The schema went from base to {head()}.\n")
        assert (await tells("migrate", database_url=url)).stdout == f"The schema is at {head()}.\n"
        done = await tells("migrate", "--to", "base", database_url=url)
        assert done.stdout == f"The schema went from {head()} to base.\n"
        assert current(url) is None


async def test_migrate_says_in_a_line_what_is_wrong(fresh: Fresh) -> None:
    done = run("migrate", database_url="postgresql://127.0.0.1:1/nothing")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("PostgreSQL: ")
    assert done.stderr.count("\n") == 1
    async with fresh.database() as url:
        lost = await tells("migrate", "--to", "9999", database_url=url)
    assert (lost.exit_code, lost.stdout) == (2, "")
    assert lost.stderr == "Can't locate revision identified by '9999'\n"


def for_servers(servers: Servers, database_url: str, mongo_database: str) -> dict[str, str]:
    return {
        "database_url": database_url,
        "mongo_url": servers.mongo_url,
        "mongo_database": mongo_database,
        "s3_bucket": "backchannel",
        "s3_endpoint_url": servers.s3_url,
        "s3_access_key_id": servers.s3_access_key_id,
        "s3_secret_access_key": servers.s3_secret_access_key,
        "s3_path_style": "true",
        "jwt_secret": SECRET,
    }


async def test_the_doctor_tells_and_its_exit_code_sums_up(
    servers: Servers, database_url: str, mongo_database: str
) -> None:
    settings = for_servers(servers, database_url, mongo_database)
    done = run("doctor", **{**settings, "database_url": "postgresql://127.0.0.1:1/nothing"})
    assert done.returncode == 1
    assert "problem  PostgreSQL " in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


async def test_sync_says_what_it_did_and_does_it_once(
    servers: Servers, database_url: str, mongo_database: str
) -> None:
    settings = for_servers(servers, database_url, mongo_database)
    done = await tells("sync", **settings)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == "MongoDB has nobody who may sign in; nothing was changed\n"
    async with AsyncMongoClient[dict[str, object]](servers.mongo_url) as client:
        mongo = client[mongo_database]
        department, person = ObjectId(), ObjectId()
        await mongo.departments.insert_one({"_id": department, "name": "Sales"})
        await mongo.users.insert_one(
            {"_id": person, "name": "Ann", "status": "active", "departmentId": department}
        )
    done = await tells("sync", **settings)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "DEPARTMENT Sales: made, 1 joined",
        "GENERAL general: made, 1 joined",
        "2 channels changed; 2 joined, 0 left.",
    ]
    assert (await tells("sync", **settings)).stdout == "0 channels changed; 0 joined, 0 left.\n"
    nobody = {**settings, "mongo_url": "mongodb://127.0.0.1:1", "mongo_timeout": "0.5"}
    lost = run("sync", **nobody)
    assert (lost.returncode, lost.stdout) == (1, "")
    assert lost.stderr == "mongodb is out of reach; try again later.\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_serve_serves_until_it_is_told_to_stop(
    servers: Servers, database_url: str, mongo_database: str, number: signal.Signals
) -> None:
    settings = for_servers(servers, database_url, mongo_database)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "server.cli", "serve", "--port", "0"),
        env=environment(**settings, log_level="info"),
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    async for line in process.stderr:
        if b"Uvicorn running" in line:
            break
    process.send_signal(number)
    said = await process.stderr.read()
    assert (await process.wait(), b"Traceback" in said) == (0, False)
