"""Logins: who somebody is that logs in, before becoming one of the roles. The SQL."""

from typing import NamedTuple

from storage.postgres import Connection
from storage.sight import Role

# To become a role is another privilege since PostgreSQL 16 than to be a member of it.
# Whose the tables are is asked of all of them: a migration may have been another's.
LOOK = """
select login.rolsuper,
       login.rolbypassrls,
       login.rolcreaterole,
       coalesce(tables.are_there, false),
       coalesce(tables.are_owned, false),
       coalesce(has_schema_privilege(login.oid, current_schema(), 'create'), false),
       array(select job.rolname::text
               from pg_roles job
              where job.rolname = any($1::text[])
                and case when current_setting('server_version_num')::int < 160000
                         then pg_has_role(login.oid, job.oid, 'member')
                         else pg_has_role(login.oid, job.oid, 'set')
                    end),
       array(select job.rolname::text
               from pg_roles job
              where job.rolname = any($1::text[])
                and pg_has_role(login.oid, job.oid, 'usage'))
  from pg_roles login
 cross join lateral (
        select bool_or(c.relname = 'channels')                       as are_there,
               bool_or(pg_has_role(login.oid, c.relowner, 'member')) as are_owned
          from pg_class c
         where c.relnamespace = current_schema()::regnamespace
           and c.relkind in ('r', 'p')
       ) as tables
 where login.rolname = session_user
"""


class Login(NamedTuple):
    """What PostgreSQL lets a login do by itself."""

    is_superuser: bool
    bypasses_row_security: bool
    makes_roles: bool
    has_tables: bool
    """Ours have been made."""
    owns_tables: bool
    """One of our tables at least, or is a member of who does."""
    can_create: bool
    """Something new where our tables are: a migration, for one."""
    becomes: list[str]
    """Those of our roles that it may work as."""
    inherits: list[str]
    """Those whose rights it has without becoming them."""


async def look(connection: Connection) -> Login:
    """The login of this connection, whatever role it works as now."""
    row = await connection.fetchrow(LOOK, [role.value for role in Role])
    assert row is not None, "whoever is logged in is a role"
    return Login(*row)
