"""What each role may do in PostgreSQL is what docs/roles.md says, and what its statements need."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from storage.sight import Role, Sight, Standing
from tests.resolvers.policy_table import table_under
from tests.servers import Fresh
from tests.storage.statements import statements

PAGE = Path(__file__).parents[2] / "docs" / "roles.md"

Right = tuple[str, str, str, str]
"""A role, a table or view, what may be done to it, and a column or "all"."""

TABLES = """
select grantee.name, c.relname, lower(a.privilege_type), 'all'
  from pg_class c
 cross join lateral aclexplode(c.relacl) a
 cross join lateral (select coalesce(nullif(a.grantee, 0)::regrole::text, 'public') as name) grantee
 where c.relnamespace = 'public'::regnamespace
   and a.grantee <> c.relowner
 union all
select grantee.name, c.relname, lower(a.privilege_type), t.attname
  from pg_attribute t
  join pg_class c on c.oid = t.attrelid
 cross join lateral aclexplode(t.attacl) a
 cross join lateral (select coalesce(nullif(a.grantee, 0)::regrole::text, 'public') as name) grantee
 where c.relnamespace = 'public'::regnamespace
   and a.grantee <> c.relowner
"""

# Where nothing was said of a function, PostgreSQL lets everybody run it.
FUNCTIONS = """
select p.proname,
       case when p.prosecdef then p.proowner::regrole::text else 'its caller' end,
       array(select coalesce(nullif(a.grantee, 0)::regrole::text, 'public')
               from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
              where a.grantee <> p.proowner)
  from pg_proc p
 where p.pronamespace = 'public'::regnamespace
"""

COLUMNS = """
select attname
  from pg_attribute
 where attrelid = $1::text::regclass
   and attnum > 0
   and not attisdropped
"""


@pytest.fixture(scope="module")
async def owner(fresh: Fresh) -> AsyncIterator[asyncpg.Connection]:
    async with fresh.database() as url:
        connection = await asyncpg.connect(url)
        try:
            yield connection
        finally:
            await connection.close()


@asynccontextmanager
async def undone(connection: asyncpg.Connection) -> AsyncIterator[None]:
    """As if nothing in the block had ever been."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        yield
    finally:
        await transaction.rollback()


def written() -> Iterator[Right]:
    """The table of tables in the page."""
    header, *rows = table_under(PAGE.read_text(), "## Tables")
    for role, table, *cells in rows:
        for right, cell in zip(header[2:], cells, strict=True):
            if cell != "–":
                for column in cell.split(", "):
                    yield role.strip("`"), table.strip("`"), right, column.strip("`")


async def test_each_role_may_do_to_each_table_what_is_written_down_and_nobody_else_anything(
    owner: asyncpg.Connection,
) -> None:
    granted = {tuple(row) for row in await owner.fetch(TABLES)}
    assert granted == set(written()), "see docs/security.md for what a new table or column needs"


async def test_functions_run_for_those_and_with_the_rights_that_are_written_down(
    owner: asyncpg.Connection,
) -> None:
    _, *rows = table_under(PAGE.read_text(), "## Functions")
    page = {
        name.strip("`"): (rights.strip("`"), set(who.replace("`", "").split(", ")) - {"–"})
        for name, rights, who in rows
    }
    found = {row[0]: (row[1], set(row[2])) for row in await owner.fetch(FUNCTIONS)}
    assert found == page


async def test_who_has_another_s_rights_looks_for_names_in_our_schema_alone(
    owner: asyncpg.Connection,
) -> None:
    """Temporary tables, which anybody may make, last: unless they are named they come first."""
    rows = await owner.fetch("select proname, proconfig from pg_proc where prosecdef")
    assert len(rows) >= 4
    for name, settings in rows:
        assert "search_path=pg_catalog, public, pg_temp" in settings, name


async def test_a_temporary_table_by_the_name_of_ours_fools_no_function(
    owner: asyncpg.Connection,
) -> None:
    channel, message = (
        "01900000-0000-7000-8000-0000000000c1",
        "01900000-0000-7000-8000-0000000000e1",
    )
    async with undone(owner):
        await owner.execute(
            f"insert into channels (id, type, name, is_private) values ('{channel}', 'GROUP', 'x',"
            " true); insert into messages (id, channel_id, position, ordinal, sender_id, content,"
            f" content_type) values ('{message}', '{channel}', 1, 1, '{'a' * 24}', 'A secret',"
            " 'TEXT')"
        )
        await owner.execute("set local role backchannel_app")
        sight = Sight("b" * 24, "", Standing.INTERNAL)
        await owner.execute(f"set local backchannel.viewer = '{sight.viewer_id}'")
        await owner.execute(f"set local backchannel.standing = '{sight.standing}'")
        for view in ("own_channels", "open_channels"):
            await owner.execute(
                f"create temporary view {view} as select '{channel}'::uuid as channel_id;"
                f" grant select on {view} to public"
            )
        found = await owner.fetch(
            "select * from find_messages($1, '''§secret''', 'infinity',"
            " 'ffffffff-ffff-ffff-ffff-ffffffffffff', '-infinity', null, 10, 10)",
            channel,
        )
        assert found == []


async def test_the_roles_are_nobody_s_login_and_nobody_special(owner: asyncpg.Connection) -> None:
    special = await owner.fetch(
        "select rolname from pg_roles where rolname = any($1::text[])"
        " and (rolcanlogin or rolsuper or rolbypassrls or rolcreaterole or rolcreatedb"
        " or rolreplication)",
        list(Role),
    )
    assert special == []
    become = await owner.fetch(
        "select role.rolname, other.rolname from pg_roles role, pg_roles other"
        " where role.rolname = any($1::text[]) and other.oid <> role.oid"
        " and pg_has_role(role.oid, other.oid, 'member')",
        list(Role),
    )
    assert become == []


async def test_nobody_but_the_owner_makes_anything_where_the_tables_are(
    owner: asyncpg.Connection,
) -> None:
    for role in (*Role, "public"):
        may = "select has_schema_privilege($1::text, 'public', $2)"
        assert not await owner.fetchval(may, role, "create"), role
    assert await owner.fetchval("select count(*) from pg_default_acl") == 0


def rights(role: Role) -> list[Right]:
    return sorted(right for right in written() if right[0] == role)


async def lacks(owner: asyncpg.Connection, role: Role, plans: list[str]) -> str | None:
    """A statement that this role may not run as things are."""
    for plan in plans:
        try:
            async with undone(owner):
                await owner.execute(f"set local role {role}")
                await owner.execute(plan)
        except asyncpg.InsufficientPrivilegeError:
            return plan
    return None


BY_THEMSELVES = {
    Role.APP: {
        ("alembic_version", "select"),  # whether a server is ready
        ("messages", "update", "has_attachment"),  # message_has_attachment
    },
    Role.LIVE: {
        # begin_new_epochs and touch_sidebars
        ("channels", "update", "epoch"),
        ("incarnation", "select"),
        ("incarnation", "insert"),
        ("incarnation", "update", "identity"),
        ("sidebars", "insert"),
        ("sidebars", "update", "revision"),
    },
    Role.SYNC: set[tuple[str, ...]](),
    Role.JANITOR: {
        # remove_objects_of_attachments
        ("removals", "insert", "object_key"),
        ("removals", "insert", "due_at"),
    },
}
"""What only functions need: no plan of a statement tells of what is in them."""


@pytest.mark.parametrize("role", Role)
async def test_each_right_is_one_without_which_a_statement_of_ours_cannot_run(
    owner: asyncpg.Connection, role: Role
) -> None:
    if owner.get_server_version().major < 16:
        pytest.skip("no plans without values before PostgreSQL 16")
    plans = [
        f"explain (generic_plan) {statement}"
        for statement in statements(role)
        if not statement.startswith("set ")
    ]
    assert await lacks(owner, role, plans) is None
    unused = []
    for _, table, right, column in rights(role):
        # Those first that say the table's name: one of them is nearly always it.
        likely = sorted(plans, key=lambda plan: table not in plan)
        async with undone(owner):
            what = right if column == "all" else f"{right} ({column})"
            await owner.execute(f"revoke {what} on {table} from {role}")
            if await lacks(owner, role, likely) is None:
                unused.append((table, right) if column == "all" else (table, right, column))
    assert set(unused) == BY_THEMSELVES[role]
