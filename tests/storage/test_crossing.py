"""The other ways from one channel to another, tried with plain SQL: functions, views, keys that
point across, what errors and statistics give away, and every verb there is.
"""

from typing import Any

import asyncpg
import pytest

from storage import events
from storage.sight import Role, Sight, Standing
from tests.operations import UNKNOWN_ID, UNKNOWN_PERSON
from tests.storage.guarded import (
    DEPARTMENT,
    MEMBER,
    OTHER,
    STRANGER,
    STRANGERS,
    House,
    tried,
)
from tests.storage.test_row_security import INSERTS

INSIDE = Sight(MEMBER, DEPARTMENT, Standing.INTERNAL)
CLIENT = Sight(MEMBER, "", Standing.CLIENT)

CALLS = {
    "find_messages": "select * from find_messages('{channel}', '''§secret''', 'infinity',"
    " 'ffffffff-ffff-ffff-ffff-ffffffffffff', '-infinity', null, 10, 10)",
    "presence_of": "select * from presence_of(array['{person}'], '{person}')",
    "touch_sidebars": "select * from touch_sidebars(array['{person}'])",
}
"""The functions that look at rows, asked for what is another's."""

LOOKS_AT_NO_ROWS = {
    "begin_new_epochs",  # at none of anybody's, and answers whether the database was restored
    "is_open",
    "search_fold",
    "search_scope",
    "search_vector",
    "search_words",
    "viewer_audits",
    "viewer_id",
}

RUNNABLE = """
select proname
  from pg_proc
 where pronamespace = 'public'::regnamespace
   and has_function_privilege('backchannel_app', oid, 'execute')
"""

VIEWS = """
select relname
  from pg_class
 where relnamespace = 'public'::regnamespace
   and relkind in ('v', 'm')
"""


async def test_no_function_tells_a_stranger_anything(house: House) -> None:
    rows = await house.owner.fetch(RUNNABLE)
    assert {row[0] for row in rows} == {*CALLS, *LOOKS_AT_NO_ROWS}, "try it here too"
    for sight in STRANGERS:
        for name, call in CALLS.items():
            knows_everybody = sight and sight.viewer_id and sight.standing != Standing.CLIENT
            if knows_everybody and name != "find_messages":
                continue
            async with house.seen_by(sight) as connection:
                asked = call.format(channel=house.others["channel"], person=OTHER)
                assert await connection.fetch(asked) == [], (name, sight)


async def test_functions_tell_a_member_of_what_is_theirs(house: House) -> None:
    for sight in (INSIDE, CLIENT):
        async with house.seen_by(sight) as connection:
            for name, call in CALLS.items():
                asked = call.format(channel=house.own["channel"], person=MEMBER)
                assert len(await connection.fetch(asked)) == 1, (name, sight)
    async with house.seen_by(None, Role.LIVE) as live:
        assert len(await live.fetch(f"select * from presence_of(array['{OTHER}'], null)")) == 1
    async with house.seen_by(None, Role.SYNC) as sync:
        assert len(await sync.fetch(f"select * from touch_sidebars(array['{OTHER}'])")) == 1


async def test_no_view_shows_a_stranger_anything(house: House) -> None:
    views = [row[0] for row in await house.owner.fetch(VIEWS)]
    assert {"own_channels", "open_channels", "own_messages"} == set(views)
    for view in views:
        for sight in STRANGERS:
            async with house.seen_by(sight) as connection:
                assert await connection.fetch(f"select * from {view}") == [], (view, sight)
        async with house.seen_by(INSIDE) as connection:
            rows = await connection.fetch(f"select * from {view}")
            assert {str(row["channel_id"]) for row in rows} <= {house.own["channel"]}


DIRECT = (
    "insert into channels (id, type, is_private, dm_key, created_by)"
    " values (gen_random_uuid(), 'DM', true, '{people}', '" + MEMBER + "')"
)


async def test_nobody_claims_the_direct_message_of_others(house: House) -> None:
    """Nor do they learn whether there is one."""
    theirs = ",".join(sorted((OTHER, STRANGER)))
    await house.owner.execute(DIRECT.format(people=theirs))
    try:
        async with house.seen_by(INSIDE) as connection:
            for people in (theirs, ",".join((OTHER, UNKNOWN_PERSON)), MEMBER + "x", ""):
                assert await tried(connection, DIRECT.format(people=people)) is None
            own = DIRECT.format(people=",".join((MEMBER, OTHER)))
            assert await tried(connection, own) == "INSERT 0 1"
    finally:
        await house.owner.execute("delete from channels where dm_key = $1", theirs)


REPLY = (
    "insert into messages (id, channel_id, position, ordinal, sender_id, content, content_type,"
    " parent_id) values (gen_random_uuid(), $1, 9, 9, $2, 'Hi', 'TEXT', $3)"
)


async def test_nobody_answers_in_a_thread_of_another_channel(house: House) -> None:
    """Not even of one that they are in."""
    own, others = house.own, house.others
    joined = "insert into members (channel_id, user_id, seat, joined_position, joined_ordinal,"
    joined += " read_position, read_ordinal) values ($1, $2, 1, 0, 0, 0, 0)"
    both = "b0" * 12
    for channel in (own["channel"], others["channel"]):
        await house.owner.execute(joined, channel, both)
    try:
        for person in (MEMBER, both):
            async with house.seen_by(Sight(person, "", Standing.INTERNAL)) as connection:
                for root in (others["message"], UNKNOWN_ID):
                    with pytest.raises(asyncpg.InsufficientPrivilegeError):
                        async with connection.transaction():
                            await connection.execute(REPLY, own["channel"], person, root)
                assert await connection.execute(REPLY, own["channel"], person, own["message"])
    finally:
        await house.owner.execute("delete from members where user_id = $1", both)


@pytest.mark.parametrize("message", ["own", "others"])
async def test_an_event_that_names_a_message_of_elsewhere_is_told_without_it(
    house: House, message: str
) -> None:
    named = getattr(house, message)["message"]
    async with house.seen_by(INSIDE) as connection:
        await connection.execute(
            "insert into events (channel_id, position, kind, actor_id, message_id)"
            " values ($1, 9, 'MessageSent', $2, $3)",
            house.own["channel"],
            MEMBER,
            named,
        )
        await connection.execute("set local role backchannel_live")
        live: Any = connection
        (event,) = await events.read_after(live, {house.own["channel"]: 8}, 10)
    assert event.message_id == named
    assert (event.message is not None) == (message == "own")


async def outcome(connection: asyncpg.Connection, statement: str) -> str:
    """What PostgreSQL says to it, as if it had never been."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        return str(await connection.execute(statement))
    except asyncpg.PostgresError as error:
        return repr((type(error), error.args, error.detail, error.constraint_name))
    finally:
        await transaction.rollback()


ACROSS = {
    **INSERTS,
    "a reply": REPLY.replace("$1", "'{own}'")
    .replace("$2", "'{viewer}'")
    .replace("$3", "'{message}'"),
    "a direct message": DIRECT.format(people="{other},{other}"),
    "a message in another's name": INSERTS["messages"].replace("{viewer}", "{other}"),
    "a file for a message": "update attachments set message_id = '{message}'",
    "a channel": "update channels set topic = 'x' where id = '{channel}'",
    "a lock": "select id from channels where id = '{channel}' for update",
}


async def test_errors_say_the_same_of_what_is_another_s_and_of_what_is_not_there(
    house: House,
) -> None:
    known = {"other": OTHER, **house.others}
    unknown = {"other": UNKNOWN_PERSON, **dict.fromkeys(house.others, UNKNOWN_ID)}
    for sight in (None, INSIDE, CLIENT, Sight(STRANGER, "", Standing.CLIENT)):
        viewer = sight.viewer_id if sight else ""
        async with house.seen_by(sight) as connection:
            for what, template in ACROSS.items():
                own = house.own["channel"]
                there, nowhere = [
                    await outcome(connection, template.format(viewer=viewer, own=own, **values))
                    for values in (known, unknown)
                ]
                assert there == nowhere, (what, sight)


VERBS = [
    "truncate {table} cascade",
    "alter table {table} disable row level security",
    "alter table {table} no force row level security",
    "create policy mine on {table} using (true)",
    (
        "create trigger mine before update on {table}"
        " execute function suppress_redundant_updates_trigger()"
    ),
    "create index on {table} (({table} is null))",
    "drop table {table} cascade",
    "comment on table {table} is 'mine'",
    "copy {table} to program 'cat'",
]


async def test_no_other_verb_is_anybody_s(house: House) -> None:
    async with house.seen_by(INSIDE) as connection:
        for table in await house.tables():
            for verb in VERBS:
                assert await tried(connection, verb.format(table=table)) is None, verb
        # Without row-level security, rather nothing than everything.
        await connection.execute("set local row_security = off")
        for table in ("channels", "members", "messages", "reactions", "attachments"):
            assert await tried(connection, f"select * from {table}") is None, table


async def test_merging_and_replacing_change_nothing_elsewhere(house: House) -> None:
    others = house.others
    replace = (
        INSERTS["messages"]
        .replace("gen_random_uuid()", "'{message}'")
        .format(viewer=MEMBER, **{**others, "channel": house.own["channel"]})
        + " on conflict (id) do update set content = 'Mine'"
    )
    async with house.seen_by(INSIDE) as connection:
        assert await tried(connection, replace) is None
        for table in ("channels", "members", "messages", "attachments"):
            column = {"messages": "content", "attachments": "number", "members": "role"}
            name = column.get(table, "topic")
            merge = (
                f"merge into {table} using (values (1)) as given (x) on true"
                f" when matched then update set {name} = {table}.{name}"
            )
            tag = await tried(connection, merge)
            assert tag in (None, "MERGE 1", "MERGE 2"), tag  # their own row, or two files
            assert tag is None or int(tag.split()[1]) * 2 <= await house.count(table)


async def test_statistics_and_what_others_run_are_not_to_be_read(house: House) -> None:
    await house.owner.execute("analyze")
    seen = "select tablename from pg_stats where schemaname = 'public'"
    tables = set(await house.tables())
    assert tables & {row[0] for row in await house.owner.fetch(seen)}
    pid = await house.owner.fetchval("select pg_backend_pid()")
    async with house.seen_by(INSIDE) as connection:
        assert not tables & {row[0] for row in await connection.fetch(seen)}
        for secret in ("pg_statistic", "pg_statistic_ext_data", "pg_largeobject", "pg_authid"):
            assert await tried(connection, f"select * from {secret}") is None, secret
        ran = await connection.fetchval("select query from pg_stat_activity where pid = $1", pid)
        assert ran == "<insufficient privilege>"
