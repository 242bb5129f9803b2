"""Every cell of the table in docs/security.md, put to the policy itself."""

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import product
from typing import TypeVar

import pytest

from resolvers import policy
from resolvers.services import Rules
from resolvers.viewer import Viewer
from storage.errors import ErrorCode, Refusal
from storage.records import (
    ChannelRecord,
    ChannelType,
    MemberRecord,
    MemberRole,
    Membership,
    MessageRecord,
    UserRecord,
)
from tests.resolvers.policy_table import CHANNELS, OURS, PEOPLE, ROLES, THEIRS, Row, rows

NOW = datetime(2026, 11, 20, tzinfo=UTC)
ROWS = rows()

PERMISSIONS = ["channels:create", "channels:manage", "members:manage", "general_channels:post"]
ERP: dict[str, list[str]] = {
    "H": PERMISSIONS,
    **dict(zip("KMPG", ([permission] for permission in PERMISSIONS), strict=True)),
    "A": ["support:answer"],
}


def viewer(letter: str, rules: Rules = Rules()) -> Viewer:  # noqa: B008
    is_super_admin = letter == "S"
    user = UserRecord(
        id=letter,
        name=PEOPLE[letter],
        is_client=letter == "C",
        department_id=THEIRS if letter == "O" else OURS,
        team_id="other" if letter == "O" else "first",
    )
    if letter == "C":
        return Viewer(user)
    return Viewer(
        user,
        policy.granted(rules, frozenset(ERP.get(letter, []))),
        is_super_admin,
        is_super_admin and rules.super_admin_reads_everything,
    )


def member(user_id: str, role: MemberRole) -> MemberRecord:
    return MemberRecord("channel", user_id, role, None, NOW, False, False, "ALL", None, 0)


def access(letter: str, channel: str, role: str, *, archived: bool = False) -> Membership:
    type, columns = CHANNELS[channel]
    blank = dict.fromkeys(ChannelRecord._fields)
    place = ROLES[role]
    return Membership(
        ChannelRecord(
            **{
                **blank,
                "id": "channel",
                "type": type,
                "is_private": False,
                "archived_at": NOW if archived else None,
                **columns,
            }
        ),
        None if place is None else member(letter, place),
    )


OTHERS = MessageRecord("1", "channel", 1, 1, "X", "", "TEXT", None, 0, None, NOW, None, None, None)
PLAIN, OWNER = member("X", MemberRole.MEMBER), member("X", MemberRole.OWNER)

T = TypeVar("T")
Try = Callable[[Viewer, Membership], object]


def react(_: Viewer, access: Membership) -> None:
    policy.require_writable(access.channel)
    policy.require_member(access)


def delete(viewer: Viewer, access: Membership) -> None:
    react(viewer, access)
    policy.require_delete_message(viewer, access, OTHERS)


ACTIONS: dict[str, list[Try]] = {
    "read": [lambda _, a: policy.require_member(a)],
    "react": [react],
    "send": [policy.require_post, policy.require_pin],
    "edit": [policy.require_edit],
    "archive": [policy.require_archive],
    "members": [
        policy.require_manage_members,
        lambda v, a: policy.require_remove(v, a, PLAIN),
        lambda v, a: policy.require_change_role(v, a, PLAIN, MemberRole.ADMIN),
    ],
    "owners": [
        lambda v, a: policy.require_remove(v, a, OWNER),
        lambda v, a: policy.require_change_role(v, a, PLAIN, MemberRole.OWNER),
        lambda v, a: policy.require_change_role(v, a, OWNER, MemberRole.ADMIN),
        lambda v, a: policy.require_change_role(v, a, OWNER, MemberRole.MEMBER),
    ],
    "delete": [delete],
    "join": [policy.require_join],
    "leave": [lambda _, a: policy.require_leave(a)],
}
"""Everything the table has a column for but seeing, each in all its forms."""

ALSO_ARCHIVED = {"read", "archive", "leave"}


def outcome(attempt: Callable[[Viewer, T], object], who: Viewer, place: T) -> str:
    try:
        attempt(who, place)
    except Refusal as refusal:
        return str(refusal.code)
    return "OK"


def test_the_table_has_every_action_every_kind_of_channel_and_every_role() -> None:
    assert {row.channel for row in ROWS} == set(CHANNELS)
    assert len({(row.channel, row.role) for row in ROWS}) == len(ROWS)
    for row in ROWS:
        assert list(row.cells) == ["see", *ACTIONS]
    without_owners = ("direct message",)
    wanted = {(c, r) for c, r in product(CHANNELS, ROLES) if c not in without_owners}
    wanted |= {(c, r) for c in without_owners for r in ("none", "member")}
    assert {(row.channel, row.role) for row in ROWS} == wanted


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_everybody_sees_and_may_do_what_the_table_says(row: Row) -> None:
    for letter in PEOPLE:
        who = viewer(letter)
        place = access(letter, row.channel, row.role)
        seen = policy.sees(who, place)
        assert seen == (letter in row.cells["see"]), f"{letter} sees"
        assert not policy.sees_by_power_alone(who, place)
        for action, attempts in ACTIONS.items():
            may = letter in row.cells[action]
            assert seen or not may, f"{letter} {action}: nobody does anything to what they miss"
            if not seen:
                continue  # refused before the policy is asked
            for attempt in attempts:
                assert outcome(attempt, who, place) == ("OK" if may else ErrorCode.FORBIDDEN), (
                    f"{letter} {action}"
                )


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_an_archived_channel_is_seen_and_left_and_reopened_but_not_changed(row: Row) -> None:
    for letter in PEOPLE:
        who = viewer(letter)
        place = access(letter, row.channel, row.role, archived=True)
        assert policy.sees(who, place) == (letter in row.cells["see"])
        for action, attempts in ACTIONS.items():
            may = letter in row.cells[action]
            expected = "OK" if may else "FORBIDDEN"
            if action not in ALSO_ARCHIVED:
                expected = "CONFLICT"
            for attempt in attempts:
                if policy.sees(who, place):
                    assert outcome(attempt, who, place) == expected, f"{letter} {action}"


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_where_super_admins_read_everything_only_what_they_see_grows(row: Row) -> None:
    rules = Rules(super_admin_reads_everything=True)
    for letter in PEOPLE:
        who = viewer(letter, rules)
        place = access(letter, row.channel, row.role)
        in_table = letter in row.cells["see"]
        assert policy.sees(who, place) == (in_table or letter == "S")
        assert policy.sees_by_power_alone(who, place) == (letter == "S" and not in_table)
        if policy.sees_by_power_alone(who, place):
            assert outcome(policy.require_more_than_power, who, place) == "FORBIDDEN"
        elif policy.sees(who, place):
            assert outcome(policy.require_more_than_power, who, place) == "OK"


def test_nobody_edits_another_s_words() -> None:
    for letter in PEOPLE:
        who = viewer(letter)
        own = OTHERS._replace(sender_id=who.id)
        for message, expected in ((OTHERS, "FORBIDDEN"), (own, "OK")):
            assert outcome(policy.require_edit_message, who, message) == expected, letter


def test_where_everybody_posts_in_general_channels_members_inside_do() -> None:
    rules = Rules(general_posts="everybody")
    for letter in PEOPLE:
        who = viewer(letter, rules)
        expected = "FORBIDDEN" if letter == "C" else "OK"
        for role in ("member", "admin", "owner"):
            place = access(letter, "general, of the company", role)
            assert outcome(policy.require_post, who, place) == expected, letter
        outside = access(letter, "general, of the company", "none")
        assert outcome(policy.require_post, who, outside) == "FORBIDDEN"


@pytest.mark.parametrize(
    ("rules", "team", "other_team", "client"),
    [
        (Rules(), "SHKMPGAI", "SHP", "SHPA"),
        (Rules(direct_messages="everybody"), "SHKMPGAIO", "SHKMPGAIO", "SHPA"),
        (Rules(admins_across_teams=False), "SHKMPGAI", "S", "SA"),
    ],
    ids=["default", "everybody", "admins in their team"],
)
def test_who_writes_to_whom(rules: Rules, team: str, other_team: str, client: str) -> None:
    persons = {
        team: UserRecord("1", "Colleague", team_id="first"),
        other_team: UserRecord("2", "Far colleague", team_id="third"),
        client: UserRecord("3", "Client", is_client=True, team_id="first"),
    }
    for letters, person in persons.items():
        for letter in PEOPLE:
            who = viewer(letter, rules)
            gone = person._replace(is_active=False)
            for shares, agent in product((False, True), (False, True)):
                may = policy.may_write_to(who, person, shares=shares, answers_support=agent)
                if letter == "C":
                    assert may == (shares and agent and not person.is_client)
                    assert policy.finds(who, person, shares=shares) == shares
                else:
                    assert may == (letter in letters), (letter, person.name)
                    assert policy.finds(who, person, shares=shares) == may
                assert not policy.may_write_to(who, gone, shares=shares, answers_support=agent)
                assert not policy.finds(who, gone, shares=shares)
    no_team = UserRecord("4", "Of no team")
    for letter in set(PEOPLE) - {"C"}:
        assert policy.finds(viewer(letter, rules), no_team, shares=False)


def test_clients_are_let_into_what_is_not_open_inside_and_nobody_who_is_gone_anywhere() -> None:
    closed_to_clients = {"public group", "general, of the company", "general, of a department"}
    for channel in CHANNELS:
        place = access("I", channel, "none").channel
        for letter in PEOPLE:
            person = viewer(letter).user
            may = letter != "C" or channel not in closed_to_clients
            assert policy.admits(place, person) == may, (channel, letter)
            assert not policy.admits(place, person._replace(is_active=False)), (channel, letter)


def test_only_people_inside_who_are_active_run_a_channel() -> None:
    for letter in PEOPLE:
        person = viewer(letter).user
        assert policy.may_run(person) == (letter != "C")
        assert not policy.may_run(person._replace(is_active=False))


def test_who_may_make_channels() -> None:
    makers = {ChannelType.GROUP: "SHK", ChannelType.GENERAL: "SHM"}
    for type in ChannelType:
        for letter in PEOPLE:
            by_hand = type in makers or letter == "C"
            refused = "FORBIDDEN" if by_hand else "BAD_USER_INPUT"
            expected = "OK" if letter in makers.get(type, "") else refused
            assert outcome(policy.require_create, viewer(letter), type) == expected, (letter, type)
