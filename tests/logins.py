"""Logins of PostgreSQL as an administrator makes them: each for one job, with no other right."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import asyncpg
from sqlalchemy.engine import make_url

from storage.sight import Role
from tests.servers import Servers

OPERATIONS = (Role.APP,)
BACKGROUND = (Role.LIVE, Role.SYNC, Role.JANITOR)


@asynccontextmanager
async def login(
    database_url: str, *roles: Role, attributes: str = "", inherits: bool = False
) -> AsyncIterator[str]:
    """The URL of a login that may become these roles in the database of ``database_url``, whose
    own login makes it and drops it.
    """
    name = f"backchannel_test_{uuid4().hex[:12]}"
    maker = await asyncpg.connect(database_url)
    try:
        is_new = maker.get_server_version().major >= 16
        inherit = "inherit" if inherits else "noinherit"
        await maker.execute(f"create role {name} login {inherit} {attributes} password 'secret'")
        for role in roles:
            options = f" with inherit {str(inherits).lower()}, set true" if is_new else ""
            await maker.execute(f"grant {role} to {name}{options}")
        url = make_url(database_url).set(username=name, password="secret")
        try:
            yield url.render_as_string(hide_password=False)
        finally:
            await maker.execute(f"reassign owned by {name} to current_user")
            await maker.execute(f"drop owned by {name}")
            await maker.execute(f"drop role {name}")
    finally:
        await maker.close()


@asynccontextmanager
async def owned(servers: Servers, url: str, *, may_make_roles: bool) -> AsyncIterator[str]:
    """The empty database as that of somebody who is no superuser."""
    database = make_url(url).database
    name = f"backchannel_test_owner_{database}"[:63]
    superuser = await asyncpg.connect(servers.database_url)
    try:
        await superuser.execute(f"create role {name} login password 'secret'")
        is_new = superuser.get_server_version().major >= 16
        membership = "admin true, inherit false, set true" if is_new else "admin option"
        if may_make_roles:
            # As if it had made them itself: others of this cluster have, before.
            for role in Role:
                await superuser.execute(f"grant {role.value} to {name} with {membership}")
        await superuser.execute(f'alter database "{database}" owner to {name}')
        own = make_url(url).set(username=name, password="secret")
        yield own.render_as_string(hide_password=False)
    finally:
        there = await asyncpg.connect(url)
        await there.execute(f"drop owned by {name} cascade")
        await there.close()
        await superuser.execute(f'alter database "{database}" owner to current_user')
        await superuser.execute(f"drop owned by {name}")
        await superuser.execute(f"drop role {name}")
        await superuser.close()
