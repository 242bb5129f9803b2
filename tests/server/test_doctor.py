"""The doctor, on real servers with something wrong with them."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from bson import ObjectId
from pymongo import AsyncMongoClient
from sqlalchemy.engine import make_url

from server.doctor import Finding, diagnose
from server.doctor.postgres import judge_version
from server.doctor.report import Report
from server.settings import Settings
from tests.logins import BACKGROUND, OPERATIONS, login
from tests.server.issuer import Key, publishing
from tests.servers import Fresh, Servers

NOBODY = "127.0.0.1:1"


@pytest.fixture
async def good(
    servers: Servers,
    database_url: str,
    mongo_database: str,
    bucket: str,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[dict[str, Any]]:
    """Settings with which nothing is wrong, and everything they speak of."""
    # What is there answers, however busy the machine is; tests of what does not say how long.
    monkeypatch.setattr("server.doctor.LIMIT", 60.0)
    monkeypatch.setattr("server.doctor.directory.PATIENCE", 30_000)
    monkeypatch.setattr("server.doctor.postgres.ECHO", 30.0)
    async with AsyncMongoClient[dict[str, Any]](servers.mongo_url) as client:
        mongo = client[mongo_database]
        someone = ObjectId()
        await mongo.users.insert_one(
            {
                "_id": someone,
                "name": "Alice",
                "email": "alice@example.com",
                "avatar": None,
                "isClient": False,
                "status": "active",
                "departmentId": someone,
                "teamId": someone,
                "role": someone,
            }
        )
        await mongo.departments.insert_one({"name": "Engineering", "headId": someone})
        await mongo.projects.insert_one(
            {"name": "Apollo", "departmentId": someone, "assignedUserIds": [someone]}
        )
        await mongo.roles.insert_one({"name": "super_admin", "permissions": []})
    async with (
        login(database_url, *OPERATIONS) as operations,
        login(database_url, *BACKGROUND) as background,
    ):
        yield {
            "database_url": operations,
            "background_url": background,
            "mongo_url": servers.mongo_url,
            "mongo_database": mongo_database,
            "s3_bucket": bucket,
            "s3_endpoint_url": servers.s3_url,
            "s3_public_url": "https://files.example.com",
            "s3_region": servers.s3_region,
            "s3_access_key_id": servers.s3_access_key_id,
            "s3_secret_access_key": servers.s3_secret_access_key,
            "s3_path_style": True,
            "jwt_secret": "a secret of the tests, long enough",
        }


async def findings(good: dict[str, Any], **changes: Any) -> list[Finding]:
    found = await diagnose(Settings(**good | changes))
    for finding in found:
        assert "\n" not in finding.line
        assert "hunter2" not in finding.line
        assert NOBODY not in finding.line
        assert "Traceback" not in finding.line
    return found


async def remarks(good: dict[str, Any], **changes: Any) -> list[tuple[str, str]]:
    """The subject and line of all that is not as it should be."""
    found = await findings(good, **changes)
    return [(each.subject, each.line) for each in found if each.level != "ok"]


async def test_nothing_is_wrong(good: dict[str, Any]) -> None:
    found = await findings(good)
    assert [finding for finding in found if finding.level != "ok"] == []
    assert {finding.subject for finding in found} == {
        "Configuration",
        "Documents",
        "PostgreSQL",
        "Background",
        "LISTEN",
        "MongoDB",
        "S3",
        "Tokens",
    }


async def test_nothing_is_there(good: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.doctor.directory.PATIENCE", 2_000)
    found = await remarks(
        good,
        database_url=f"postgresql://chat:hunter2@{NOBODY}/chat",
        background_url=None,
        mongo_url=f"mongodb://erp:hunter2@{NOBODY}",
        s3_endpoint_url=f"http://{NOBODY}",
        jwt_secret=None,
        jwt_jwks_url=f"http://{NOBODY}/jwks",
        jwt_audience="chat",
    )
    gone = "nothing listens at its address"
    assert found == [
        ("PostgreSQL", f"{gone} (BACKCHANNEL_DATABASE_URL)"),
        ("LISTEN", f"{gone} (BACKCHANNEL_DATABASE_URL)"),
        ("MongoDB", f"{gone} (BACKCHANNEL_MONGO_URL)"),
        ("S3", f"{gone} (BACKCHANNEL_S3_ENDPOINT_URL)"),
        (
            "Tokens",
            "BACKCHANNEL_JWT_JWKS_URL is not https: keys can be exchanged on the way",
        ),
        ("Tokens", f"{gone} (BACKCHANNEL_JWT_JWKS_URL)"),
    ]


# PyMongo, told to close in the middle of connecting, leaves the socket to the garbage collector.
@pytest.mark.filterwarnings("ignore:.*socket.socket")
async def test_servers_that_say_nothing(
    good: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.doctor.LIMIT", 1.0)
    released = asyncio.Event()

    async def silence(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await released.wait()
        writer.close()

    silent = await asyncio.start_server(silence, "127.0.0.1", 0)
    address = "{}:{}".format(*silent.sockets[0].getsockname())
    begun = time.monotonic()
    found = await remarks(
        good,
        database_url=f"postgresql://chat:hunter2@{address}/chat?sslmode=disable",
        background_url=None,
        mongo_url=f"mongodb://{address}",
        s3_endpoint_url=f"http://{address}",
        jwt_secret=None,
        jwt_jwks_url=f"http://{address}/jwks",
        jwt_audience="chat",
    )
    assert time.monotonic() - begun < 4.5
    late = [line for _, line in found if line.startswith("gave no answer in time")]
    assert len(late) == 5
    released.set()
    silent.close()
    await silent.wait_closed()
    gc.collect()


# ---------------------------------------------------------------- configuration


async def test_settings_seldom_meant(good: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKCHANNEL_MONGODATABASE", "hunter2")
    found = await remarks(
        good, allowed_origins="*", graphiql=True, introspection=True, jwt_secret="abc" * 20
    )
    assert found == [
        (
            "Configuration",
            "BACKCHANNEL_MONGODATABASE is not a setting; is BACKCHANNEL_MONGO_DATABASE meant?",
        ),
        ("Configuration", "BACKCHANNEL_JWT_SECRET repeats itself and can be guessed"),
        ("Configuration", "BACKCHANNEL_ALLOWED_ORIGINS lets the pages of any web site call us"),
        ("Configuration", "BACKCHANNEL_GRAPHIQL is on: whoever reaches us can use GraphiQL"),
        ("Configuration", "BACKCHANNEL_INTROSPECTION is on: strangers can read the schema"),
    ]


# ---------------------------------------------------------------- PostgreSQL


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
    (finding,) = (each for each in await findings(good) if each.level != "ok")
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


# ---------------------------------------------------------------- MongoDB


async def test_no_people(good: dict[str, Any]) -> None:
    assert await remarks(good, mongo_database="empty", users_collection="staff") == [
        ("MongoDB", "the collection 'staff' is missing or empty (BACKCHANNEL_USERS_COLLECTION)")
    ]


async def test_nobody_is_active(good: dict[str, Any]) -> None:
    (finding,) = (
        each for each in await findings(good, user_active_value="employed") if each.level != "ok"
    )
    assert not finding.ok
    assert finding.line == (
        "nobody can sign in: no person has 'employed' in 'status' "
        "(BACKCHANNEL_USER_ACTIVE_VALUE, BACKCHANNEL_USER_STATUS_FIELD)"
    )


async def test_people_who_are_clients_by_an_odd_value(good: dict[str, Any]) -> None:
    async with AsyncMongoClient[dict[str, Any]](good["mongo_url"]) as client:
        users = client[good["mongo_database"]].users
        for value in (0, None, True, False):
            await users.insert_one({"status": "active", "isClient": value})
        assert not [each for each in await findings(good) if each.level == "warning"]
        await users.insert_one({"status": "active", "isClient": "no"})
    (finding,) = (each for each in await findings(good) if each.level == "warning")
    assert finding.ok
    assert finding.line == (
        "some people have neither true nor false in 'isClient'; they count as clients "
        "(BACKCHANNEL_USER_IS_CLIENT_FIELD)"
    )


async def test_names_that_nothing_has(good: dict[str, Any]) -> None:
    found = await findings(
        good,
        user_team_field="squad",
        project_members_field="people",
        departments_collection="divisions",
    )
    assert [each.line for each in found if each.level == "warning"] == [
        "no document of 'users' has the field 'squad' (BACKCHANNEL_USER_TEAM_FIELD)",
        "the collection 'divisions' is missing or empty (BACKCHANNEL_DEPARTMENTS_COLLECTION)",
        "no document of 'projects' has the field 'people' (BACKCHANNEL_PROJECT_MEMBERS_FIELD)",
    ]
    assert all(each.ok for each in found)


async def test_departments_that_are_chosen_and_not_there(good: dict[str, Any]) -> None:
    there = ("engineering", "*")
    assert await remarks(good, general_departments=there) == []
    assert await remarks(good, general_departments=(*there, "Sales", "f" * 24)) == [
        ("MongoDB", f"no department has the name or id {name!r} (BACKCHANNEL_GENERAL_DEPARTMENTS)")
        for name in ("Sales", "f" * 24)
    ]


@pytest.mark.parametrize(
    ("url", "line"),
    [
        ("mongodb://nowhere.invalid", "its host name is not known"),
        ("mongodb://a:hunter2:x@h", "its address cannot be read"),
        ("mongodb+srv://nowhere.invalid", "its address does not exist or has a wrong option"),
    ],
)
async def test_mongodb_cannot_be_found(
    good: dict[str, Any], url: str, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.doctor.directory.PATIENCE", 2_000)
    assert await remarks(good, mongo_url=url) == [("MongoDB", f"{line} (BACKCHANNEL_MONGO_URL)")]


# ---------------------------------------------------------------- S3


async def test_no_bucket(good: dict[str, Any]) -> None:
    assert await remarks(good, s3_bucket="somebody-elses") == [
        ("S3", "has no such bucket (BACKCHANNEL_S3_ENDPOINT_URL)")
    ]


async def test_no_credentials(good: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    assert await remarks(good, s3_access_key_id=None, s3_secret_access_key=None) == [
        ("S3", "was not asked: no credentials were found (BACKCHANNEL_S3_ENDPOINT_URL)")
    ]


@pytest.mark.parametrize(
    ("status", "headers", "line"),
    [
        (403, "", "refuses the credentials, or does not let them use the bucket"),
        (
            301,
            "x-amz-bucket-region: eu-west-1\r\n",
            "keeps the bucket in another region than the settings say",
        ),
        (418, "", "answers with status 418"),
    ],
)
async def test_s3_refuses(good: dict[str, Any], status: int, headers: str, line: str) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        answer = f"HTTP/1.1 {status} No\r\n{headers}Content-Length: 0\r\nConnection: close\r\n\r\n"
        writer.write(answer.encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with server:
        url = "http://{}:{}".format(*server.sockets[0].getsockname())
        found = await remarks(good, s3_endpoint_url=url)
    assert found == [("S3", f"{line} (BACKCHANNEL_S3_ENDPOINT_URL)")]


async def test_links_without_tls(good: dict[str, Any]) -> None:
    assert await remarks(good, s3_public_url=None) == [
        ("S3", "clients get links without TLS (BACKCHANNEL_S3_PUBLIC_URL)")
    ]


# ---------------------------------------------------------------- tokens


async def test_published_keys(good: dict[str, Any]) -> None:
    plain = ("Tokens", "BACKCHANNEL_JWT_JWKS_URL is not https: keys can be exchanged on the way")
    with publishing(Key.new("RS256"), Key.new("ES256", "key-2")) as issuer:
        published = {"jwt_secret": None, "jwt_jwks_url": issuer.url}
        assert await remarks(good, **published) == [
            plain,
            (
                "Tokens",
                "BACKCHANNEL_JWT_AUDIENCE is not set: tokens for other programs are good too",
            ),
        ]
        published["jwt_audience"] = "chat"
        issuer.keys = [Key.new("RS256", bits=1024).jwk]
        assert (await remarks(good, **published))[1:] == [
            ("Tokens", "no key that can be used is published: ES256, EdDSA, RS256")
        ]
        issuer.body = b"<html>hunter2</html>"
        assert (await remarks(good, **published))[1:] == [
            ("Tokens", "does not answer with a key set (BACKCHANNEL_JWT_JWKS_URL)")
        ]
        issuer.status = 404
        assert (await remarks(good, **published))[1:] == [
            ("Tokens", "answers with status 404 (BACKCHANNEL_JWT_JWKS_URL)")
        ]
