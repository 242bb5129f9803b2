"""The owner of the tables is nobody special: what the roles need of them, and what they see."""

import asyncio
from enum import StrEnum
from typing import cast
from uuid import uuid4

import asyncpg
import psycopg
import pytest
from sqlalchemy.engine import make_url

from server.migrate import current, head, migrate
from server.probes import UnfitError, explain, schema
from storage.errors import ErrorCode, Refusal
from storage.incarnation import recognise
from storage.postgres import Database
from storage.sight import Role
from tests.logins import owned
from tests.servers import Fresh, Servers


async def test_an_owner_who_is_no_superuser_migrates_and_sees_nothing(
    servers: Servers, empty_url: str
) -> None:
    async with owned(servers, empty_url, may_make_roles=True) as url:
        await asyncio.to_thread(migrate, url)
        assert await asyncio.to_thread(current, url) == head()
        superuser = await asyncpg.connect(empty_url)
        await superuser.execute(
            "insert into channels (id, type, name) values (gen_random_uuid(), 'GROUP', 'x')"
        )
        await superuser.close()
        owner = await asyncpg.connect(url)
        try:
            assert await owner.fetchval("select count(*) from channels") == 0
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await owner.execute(
                    "insert into channels (id, type, name) values (gen_random_uuid(), 'GROUP', 'y')"
                )
        finally:
            await owner.close()
        for role in Role:
            database = await Database.connect(url, role=role, min_size=1, init=recognise)
            assert await database.fetchval("select current_user") == role
            await database.close()
        await asyncio.to_thread(migrate, url, "base")
        assert await asyncio.to_thread(current, url) is None


async def test_who_may_not_make_the_roles_is_told_what_to_do(
    servers: Servers, empty_url: str
) -> None:
    async with owned(servers, empty_url, may_make_roles=False) as url:
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match=r"docs/operations\.md"):
            await asyncio.to_thread(migrate, url)
        assert await asyncio.to_thread(current, url) is None


async def test_before_the_first_migration_the_pool_opens_and_says_what_to_do(
    servers: Servers, empty_url: str
) -> None:
    """As in a new cluster: whoever starts first is not ready, and is once it is migrated."""
    async with owned(servers, empty_url, may_make_roles=False) as url:
        database = await Database.connect(url, role=Role.APP, init=recognise)
        try:
            with pytest.raises(Refusal) as refused:
                await schema(database, head())
            assert refused.value.code == ErrorCode.UNAVAILABLE
            assert explain(refused.value) == (
                "may not be used as backchannel_app: run backchannel migrate, or grant it to the"
                " login"
            )
            superuser = await asyncpg.connect(empty_url)
            await superuser.execute(f"grant backchannel_app to {make_url(url).username}")
            await superuser.close()
            with pytest.raises(UnfitError, match="run backchannel migrate"):
                await schema(database, head())
            await asyncio.to_thread(migrate, empty_url)
            assert await schema(database, head()) == head()
        finally:
            await database.close()


async def test_a_role_that_is_not_there_yet_keeps_nobody_from_starting(empty_url: str) -> None:
    class Later(StrEnum):
        APP = "backchannel_of_another_day"

    database = await Database.connect(empty_url, role=cast(Role, Later.APP))
    try:
        with pytest.raises(Refusal) as refused:
            await database.fetchval("select 1")
        assert "run backchannel migrate" in explain(refused.value)
    finally:
        await database.close()


async def test_several_databases_of_one_cluster_share_the_roles_and_nothing_else(
    fresh: Fresh,
) -> None:
    async with fresh.database() as one, fresh.database() as other:
        await asyncio.to_thread(migrate, other, "base")
        database = await Database.connect(one, role=Role.APP, min_size=1)
        try:
            assert await database.fetchval("select count(*) from channels") == 0
        finally:
            await database.close()
        await asyncio.to_thread(migrate, other)


async def test_a_login_of_operations_alone_can_become_nobody_else(
    servers: Servers, database_url: str
) -> None:
    """What docs/security.md tells an administrator to say, tried with a login made so."""
    login = f"backchannel_ops_{uuid4().hex[:12]}"
    superuser = await asyncpg.connect(servers.database_url)
    is_new = superuser.get_server_version().major >= 16
    inherits = " with inherit false, set true" if is_new else ""
    await superuser.execute(f"create role {login} login noinherit password 'secret'")
    await superuser.execute(f"grant backchannel_app to {login}{inherits}")
    url = make_url(database_url).set(username=login, password="secret")
    database = await Database.connect(
        url.render_as_string(hide_password=False), role=Role.APP, init=recognise
    )
    try:
        for role in set(Role) - {Role.APP}:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await database.execute(f"set role {role}")
        async with database.reading() as connection:
            await connection.execute("set role none")
            for table in ("channels", "messages", "members"):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.fetch(f"select * from {table}")
    finally:
        await database.close()
        await superuser.execute(f"drop role {login}")
        await superuser.close()
