"""What PostgreSQL itself refuses, whatever the resolvers ask for: tried with plain SQL."""

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest

from resolvers import policy
from resolvers.viewer import Viewer
from storage import channels, ids
from storage.records import ChannelType, UserRecord
from storage.sight import TELL, Role, Sight, Standing
from tests.storage.guarded import (
    DEPARTMENT,
    MEMBER,
    NOBODYS,
    OTHER,
    STRANGER,
    STRANGERS,
    TABLES,
    House,
    read,
    tried,
)

IN_CHANNELS = {"members", "messages", "mentions", "events"}
"""The tables whose rows are a channel's, and seen by whoever sees that."""

UNSEEN = {
    "audits",
    "directory_channels",
    "servers",
    "devices",
    "presences",
    "sidebars",
    "rates",
    "documents",
}
"""What operations never read."""

INSERTS = {
    "channels": "insert into channels (id, type, name, created_by)"
    " values (gen_random_uuid(), 'GROUP', 'Of another', '{other}')",
    "members": "insert into members (channel_id, user_id, seat, joined_position, joined_ordinal,"
    " read_position, read_ordinal) values ('{channel}', '{viewer}', 1, 0, 0, 0, 0)",
    "messages": "insert into messages (id, channel_id, position, ordinal, sender_id, content,"
    " content_type) values (gen_random_uuid(), '{channel}', 9, 9, '{viewer}', 'Hi', 'TEXT')",
    "mentions": "insert into mentions (message_id, user_id, channel_id, position)"
    " values ('{message}', '{viewer}', '{channel}', 9)",
    "revisions": "insert into revisions (message_id, number, content, edited_at)"
    " values ('{message}', 9, 'Never said', now())",
    "reactions": "insert into reactions (message_id, emoji, user_id, place)"
    " values ('{message}', '👎', '{viewer}', 2)",
    "attachments": "insert into attachments (id, channel_id, uploader_id, object_key, file_name,"
    " file_size, mime_type)"
    " values (gen_random_uuid(), '{channel}', '{viewer}', 'x', 'x', 1, 'x')",
    "removals": "insert into removals (object_key, added_by) values ('y', '{other}')",
    "events": "insert into events (channel_id, position, kind, actor_id)"
    " values ('{channel}', 9, 'ChannelUpdated', '{viewer}')",
    "directory_channels": "insert into directory_channels (key, channel_id, name, is_closed)"
    " values ('z', '{channel}', 'x', false)",
    "placements": "insert into placements (channel_id, user_id, role, by_hand)"
    " values ('{channel}', '{viewer}', 'OWNER', true)",
    "audits": "insert into audits (actor_id, action, channel_id)"
    " values ('{other}', 'READ_CHANNEL', '{channel}')",
    "sidebars": "insert into sidebars (user_id, revision) values ('{viewer}', 9)",
    "preferences": "insert into preferences (user_id, sends_receipts) values ('{other}', true)",
    "presences": "insert into presences (user_id, choice) values ('{other}', 'AWAY')",
    "servers": "insert into servers (id, seen_at, alive_until)"
    " values (gen_random_uuid(), now(), now())",
    "devices": "insert into devices (user_id, server_id, is_connected, is_open, beat_until,"
    " active_until, seen_at)"
    " values ('{viewer}', gen_random_uuid(), true, true, now(), now(), now())",
    "rates": "insert into rates (kind, who, at, rest, granted)"
    " values ('sends', '{viewer}', now(), 1000, 1)",
    "documents": "insert into documents (hash, text) values (sha256('x'), '{{ viewer }}')",
}
"""Into a channel that the viewer is not in, or in the name of another."""


async def test_every_table_with_user_data_has_its_rows_guarded_from_the_owner_too(
    house: House,
) -> None:
    unguarded = [
        name
        for name, enabled, forced in await house.owner.fetch(TABLES)
        if not (enabled and forced) and name not in NOBODYS
    ]
    assert unguarded == [], "see docs/security.md for what a new table needs"


@pytest.mark.parametrize("sight", STRANGERS, ids=str)
async def test_a_stranger_reads_nothing_from_any_table(house: House, sight: Sight | None) -> None:
    async with house.seen_by(sight) as connection:
        for table in await house.tables():
            assert await house.count(table) > 0, f"{table} is not in FILLED"
            assert await read(connection, table) == [], table


@pytest.mark.parametrize("sight", STRANGERS, ids=str)
async def test_a_stranger_changes_nothing_in_any_table(house: House, sight: Sight | None) -> None:
    assert await changes(house, sight) == []


async def test_a_super_admin_who_may_read_what_is_private_changes_nothing_there(
    house: House,
) -> None:
    auditor = Sight(STRANGER, DEPARTMENT, Standing.AUDITOR)
    assert await changes(house, auditor) == []
    async with house.seen_by(auditor) as connection:
        for table in await house.tables():
            seen = len(await read(connection, table))
            if table == "attachments":
                assert seen == 2  # what messages carry
            else:
                told = table in {*IN_CHANNELS, "channels", "revisions", "reactions"} - {"events"}
                assert seen == (await house.count(table) if told else 0), table


async def test_a_member_reads_what_is_in_their_channel_and_nothing_else(house: House) -> None:
    async with house.seen_by(Sight(MEMBER, "", Standing.INTERNAL)) as connection:
        for table in await house.tables():
            rows = await read(connection, table)
            assert len(rows) == (0 if table in UNSEEN else await house.count(table) / 2), table
            if table in {*IN_CHANNELS, "attachments", "placements"} - {"events"}:
                assert {str(row["channel_id"]) for row in rows} == {house.own["channel"]}
            if table in ("revisions", "reactions"):
                assert {str(row["message_id"]) for row in rows} == {house.own["message"]}


async def test_a_member_changes_nothing_elsewhere(house: House) -> None:
    """Everything they may change at all stays within their own channel."""
    for table in await house.tables():
        async with house.seen_by(Sight(MEMBER, "", Standing.INTERNAL)) as connection:
            all = await house.count(table)
            for statement in await attempts(house, table):
                tag = await tried(connection, statement)
                assert tag is None or int(tag.rpartition(" ")[2]) * 2 <= all, statement


async def test_nobody_s_row_can_be_moved_elsewhere_or_given_to_another(house: House) -> None:
    fixed = {
        "channels": {"id", "type", "dm_key", "created_by", "department_id", "project_id", "epoch"},
        "members": {"channel_id", "user_id", "invited_by", "joined_at"},
        "messages": {"id", "channel_id", "sender_id", "parent_id", "position", "created_at"},
        "attachments": {"id", "channel_id", "uploader_id"},
    }
    async with house.seen_by(Sight(MEMBER, "", Standing.INTERNAL)) as connection:
        for table, columns in fixed.items():
            for column in columns:
                statement = f"update {table} set {column} = {column}"
                assert await tried(connection, statement) is None, statement


async def test_nobody_writes_into_another_s_channel_or_in_another_s_name(house: House) -> None:
    assert sorted(INSERTS) == await house.tables(), "each table needs its attempt in INSERTS"
    for sight in (*STRANGERS, Sight(MEMBER), Sight(STRANGER, "", Standing.AUDITOR)):
        async with house.seen_by(sight) as connection:
            for table, template in INSERTS.items():
                viewer = sight.viewer_id if sight else ""
                statement = template.format(viewer=viewer, other=OTHER, **house.others)
                assert await tried(connection, statement) is None, (table, sight)


async def test_a_member_neither_sends_nor_reacts_nor_logs_as_another(house: House) -> None:
    async with house.seen_by(Sight(MEMBER, "", Standing.INTERNAL)) as connection:
        for table in ("messages", "reactions", "attachments", "events"):
            statement = INSERTS[table].format(viewer=OTHER, other=OTHER, **house.own)
            assert await tried(connection, statement) is None, table
            as_themself = INSERTS[table].format(viewer=MEMBER, other=OTHER, **house.own)
            assert await tried(connection, as_themself) == "INSERT 0 1", table


async def test_a_message_of_one_channel_is_given_nothing_by_way_of_another(house: House) -> None:
    """What has a channel and a message of its own needs both to be the same one's."""
    crossed = {**house.others, "channel": house.own["channel"]}
    async with house.seen_by(Sight(MEMBER, "", Standing.INTERNAL)) as connection:
        statement = INSERTS["mentions"].format(viewer=MEMBER, **crossed)
        assert await tried(connection, statement) is None
        attach = f"update attachments set message_id = '{house.others['message']}'"
        assert await tried(connection, f"{attach} where message_id is null") is None


async def test_another_s_upload_is_theirs_alone_until_a_message_carries_it(house: House) -> None:
    async with house.seen_by(Sight(OTHER, "", Standing.INTERNAL)) as connection:
        await house.owner.execute(
            "insert into members (channel_id, user_id, seat, joined_position, joined_ordinal,"
            " read_position, read_ordinal) values ($1, $2, 1, 0, 0, 0, 0)",
            house.own["channel"],
            OTHER,
        )
        try:
            seen = "select id::text from attachments where channel_id = $1"
            (carried,) = await connection.fetch(seen, house.own["channel"])
            assert carried[0] == house.own["file"]
            take = "update attachments set message_id = null, object_key = object_key || '!'"
            mine = await connection.execute(take)
            assert mine == "UPDATE 2"  # their own two, in their own channel
            drop = "delete from attachments where id = $1"
            assert await connection.execute(drop, house.own["upload"]) == "DELETE 0"
        finally:
            await house.owner.execute(
                "delete from members where channel_id = $1 and user_id = $2",
                house.own["channel"],
                OTHER,
            )


def kinds() -> Iterator[dict[str, Any]]:
    """A channel of each kind there can be."""
    for type, is_private, department in product(
        ChannelType, (False, True), (None, DEPARTMENT, "e" * 24)
    ):
        yield {"type": type, "is_private": is_private, "department_id": department}


def viewers() -> Iterator[Viewer]:
    for department in (None, DEPARTMENT):
        person = UserRecord(MEMBER, "Mia", department_id=department)
        yield Viewer(person._replace(is_client=True))
        yield Viewer(person)
        yield Viewer(person, is_super_admin=True)


async def test_policies_and_database_see_the_same_channels(house: House) -> None:
    """Every kind of channel, every kind of person, in it or not."""
    viewer_list = list(viewers())
    made = []
    async with house.seen_by(None, Role.SYNC) as sync:
        for kind in kinds():
            channel_id = ids.new_id()
            await sync.execute(
                "insert into channels (id, type, name, is_private, department_id, dm_key)"
                " values ($1, $2, 'x', $3, $4, $5)",
                channel_id,
                kind["type"].value,
                kind["is_private"],
                kind["department_id"],
                channel_id if kind["type"] == ChannelType.DM else None,
            )
            made.append(channel_id)
        for joined in (False, True):
            if joined:
                await sync.execute(
                    "insert into members"
                    " (channel_id, user_id, seat, joined_position, joined_ordinal,"
                    " read_position, read_ordinal) select id, $2, 0, 0, 0, 0, 0"
                    " from unnest($1::uuid[]) as id",
                    made,
                    MEMBER,
                )
            await sync.execute("set local role backchannel_live")
            truth = await channels.memberships(sync, made, MEMBER)
            for viewer in viewer_list:
                await sync.execute("set local role backchannel_app")
                await sync.execute(TELL, *viewer.sight)
                seen = set(await channels.by_ids(sync, made))
                await sync.execute("set local role backchannel_sync")
                by_policy = {id for id, access in truth.items() if policy.sees(viewer, access)}
                assert seen == by_policy, (viewer, joined)
                assert len(seen) == len(made) or not joined


async def changes(house: House, sight: Sight | None) -> list[str]:
    """What somebody could change of what there is, by any statement they might try."""
    done = []
    for table in await house.tables():
        async with house.seen_by(sight) as connection:
            for statement in await attempts(house, table):
                tag = await tried(connection, statement)
                if tag is not None and not tag.endswith(" 0"):
                    done.append(statement)
    return done


async def attempts(house: House, table: str) -> list[str]:
    columns = await house.owner.fetch(
        "select attname from pg_attribute"
        " where attrelid = $1::text::regclass and attnum > 0 and not attisdropped"
        " and attidentity = '' and attgenerated = ''",
        table,
    )
    updates = [f"update {table} set {row[0]} = {row[0]}" for row in columns]
    return [f"delete from {table}", *updates]
