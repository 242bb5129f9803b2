"""Who may do what: every rule in one place, as plain questions about plain records.

docs/security.md has the table of the answers; tests hold one against the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from resolvers.services import Rules
from storage.errors import bad_input, conflict, forbidden
from storage.records import (
    ChannelRecord,
    ChannelType,
    MemberRecord,
    MemberRole,
    Membership,
    MessageRecord,
    UserRecord,
)

if TYPE_CHECKING:
    from resolvers.viewer import Viewer

CREATE_CHANNELS = "channels:create"
MANAGE_CHANNELS = "channels:manage"
MANAGE_MEMBERS = "members:manage"
POST_IN_GENERAL = "general_channels:post"
ANSWER_SUPPORT = "support:answer"
WRITE_TO_TEAMS = "direct_messages:teams"
WRITE_TO_CLIENTS = "direct_messages:clients"

OPEN_BY_HAND = frozenset({ChannelType.GROUP, ChannelType.GENERAL})
"""Channels that people may join by themselves."""


def granted(rules: Rules, permissions: frozenset[str]) -> frozenset[str]:
    """What an internal person may do: what the ERP's role permits, and what the operator adds."""
    more: set[str] = set()
    if rules.general_posts == "everybody":
        more.add(POST_IN_GENERAL)
    if rules.direct_messages == "everybody":
        more.add(WRITE_TO_TEAMS)
    if rules.admins_across_teams and MANAGE_MEMBERS in permissions:
        more |= {WRITE_TO_TEAMS, WRITE_TO_CLIENTS}
    if ANSWER_SUPPORT in permissions:
        more.add(WRITE_TO_CLIENTS)
    return permissions | more


def sees(viewer: Viewer, access: Membership) -> bool:
    """Whether the channel exists as far as the viewer can tell."""
    channel, member = access
    return member is not None or is_open(viewer, channel) or viewer.reads_everything


def is_open(viewer: Viewer, channel: ChannelRecord) -> bool:
    """Whether the viewer may look into the channel without being in it."""
    # What is private, direct messages among it, is so before a super admin too.
    if viewer.is_client or channel.is_private:
        return False
    if viewer.is_super_admin or channel.type == ChannelType.GROUP:
        return True
    return channel.type == ChannelType.GENERAL and channel.department_id in (
        None,
        viewer.user.department_id,
    )


def sees_by_power_alone(viewer: Viewer, access: Membership) -> bool:
    """Whether only the operator's setting shows the channel: each such look is recorded."""
    return viewer.reads_everything and access.member is None and not is_open(viewer, access.channel)


def require_more_than_power(viewer: Viewer, access: Membership) -> None:
    """Who sees a channel by power alone looks, and leaves it as it is."""
    if sees_by_power_alone(viewer, access):
        raise forbidden("You may only look into this channel.")


def require_writable(channel: ChannelRecord) -> None:
    """Archived channels are read only."""
    if channel.is_archived:
        raise conflict("This channel is archived.")


def require_member(access: Membership) -> MemberRecord:
    """Some things only members do, whoever else may look."""
    if access.member is None:
        raise forbidden("Join this channel first.")
    return access.member


def require_post(viewer: Viewer, access: Membership) -> None:
    """Writing takes a member; in a general channel, the ERP's permission too."""
    require_writable(access.channel)
    require_member(access)
    if access.channel.type == ChannelType.GENERAL and not viewer.may(POST_IN_GENERAL):
        raise forbidden("You may not write in general channels.")


def require_pin(viewer: Viewer, access: Membership) -> None:
    """Who may write in a channel may pin what is written there, and take it down again."""
    require_post(viewer, access)


def require_edit_message(viewer: Viewer, message: MessageRecord) -> None:
    """What somebody said is theirs to say otherwise, whoever runs the channel."""
    if message.sender_id != viewer.id:
        raise forbidden("Only the sender may edit a message.")


def require_delete_message(viewer: Viewer, access: Membership, message: MessageRecord) -> None:
    """The sender, those who run the channel, and super admins who are in it."""
    if message.sender_id != viewer.id and not moderates(viewer, access):
        raise forbidden("Only the sender and the channel's admins may delete a message.")


def moderates(viewer: Viewer, access: Membership) -> bool:
    """Whether they delete what others wrote; no time limit binds them in that."""
    return _runs(viewer, access) or viewer.is_super_admin


def require_within(most: int, age: float, done: str) -> None:
    """What was said can be taken back for so many seconds, where the operator says so."""
    if age > most:
        raise forbidden(f"A message can be {done} for {most:,} seconds after it was sent.")


def require_create(viewer: Viewer, type: ChannelType) -> None:
    """Groups are made by those who may create channels, general ones by those who manage them."""
    if viewer.is_client:
        raise forbidden("You may not create channels.")
    if type not in OPEN_BY_HAND:
        raise bad_input("type", f"Channels of the type {type} are not made by hand.")
    if not viewer.may(CREATE_CHANNELS if type == ChannelType.GROUP else MANAGE_CHANNELS):
        raise forbidden("You may not create channels of this type.")


def _standing(viewer: Viewer, access: Membership) -> str | None:
    """The role that counts: clients run nothing, support agents own where clients are helped."""
    channel, member = access
    if member is None or viewer.is_client:
        return None
    if channel.type == ChannelType.CLIENT_SUPPORT and viewer.may(ANSWER_SUPPORT):
        return MemberRole.OWNER
    return member.role


def _owns(viewer: Viewer, access: Membership) -> bool:
    return _standing(viewer, access) == MemberRole.OWNER


def _runs(viewer: Viewer, access: Membership) -> bool:
    return _standing(viewer, access) in (MemberRole.OWNER, MemberRole.ADMIN)


def require_edit(viewer: Viewer, access: Membership) -> None:
    """Those who run the channel, and those the ERP lets manage channels."""
    require_writable(access.channel)
    require_archive(viewer, access)


def require_archive(viewer: Viewer, access: Membership) -> None:
    """Who may change a channel may close it, and open it again."""
    if access.channel.type == ChannelType.DM:
        raise forbidden("A direct message has nothing to edit.")
    if not (_runs(viewer, access) or viewer.may(MANAGE_CHANNELS)):
        raise forbidden("Only the channel's owners and admins may change it.")


def require_manage_members(viewer: Viewer, access: Membership) -> None:
    """Those who run the channel, and those the ERP lets manage members."""
    require_writable(access.channel)
    if access.channel.type == ChannelType.DM:
        raise forbidden("The people of a direct message stay the same.")
    if not (_runs(viewer, access) or viewer.may(MANAGE_MEMBERS)):
        raise forbidden("Only the channel's owners and admins may do this.")


def require_remove(viewer: Viewer, access: Membership, target: MemberRecord) -> None:
    """As for members; an owner is removed by owners only."""
    require_manage_members(viewer, access)
    if target.role == MemberRole.OWNER:
        _require_owner(viewer, access)


def require_change_role(
    viewer: Viewer, access: Membership, target: MemberRecord, role: MemberRole
) -> None:
    """As for members; owners are made by owners, and made something else by them."""
    require_manage_members(viewer, access)
    if MemberRole.OWNER in (role, target.role):
        _require_owner(viewer, access)


def _require_owner(viewer: Viewer, access: Membership) -> None:
    if not (_owns(viewer, access) or viewer.may(MANAGE_MEMBERS)):
        raise forbidden("Only an owner decides who owns the channel.")


def may_run(person: UserRecord) -> bool:
    """Whether this person can be an owner or admin at all: those inside can, clients cannot."""
    return person.is_active and not person.is_client


def require_join(viewer: Viewer, access: Membership) -> None:
    """Public groups and general channels are open to internal people."""
    require_writable(access.channel)
    if access.channel.type not in OPEN_BY_HAND:
        raise forbidden("This channel's members are chosen by the directory.")
    if access.channel.is_private:
        raise forbidden("This channel is private; somebody in it has to add you.")
    if viewer.is_client:
        raise forbidden("You may not join channels.")


def require_leave(access: Membership) -> MemberRecord:
    """Everybody may leave what they are in, but for direct messages."""
    if access.channel.type == ChannelType.DM:
        raise forbidden("A direct message cannot be left.")
    return require_member(access)


def admits(channel: ChannelRecord, person: UserRecord) -> bool:
    """Whether this person may be a member at all: what is open inside is closed to clients."""
    if not person.is_active:
        return False
    if not person.is_client:
        return True
    return channel.type != ChannelType.GENERAL and (
        channel.is_private or channel.type != ChannelType.GROUP
    )


def finds(viewer: Viewer, person: UserRecord, *, shares: bool) -> bool:
    """Whether a search shows this person: whom one may write to, and to a client their company.

    ``shares`` says that the two are in a channel together; it matters for clients only.
    """
    if viewer.is_client:
        return shares and person.is_active
    return may_write_to(viewer, person, shares=shares, answers_support=False)


def may_write_to(
    viewer: Viewer, person: UserRecord, *, shares: bool, answers_support: bool
) -> bool:
    """Whether the viewer may open a direct message with this person.

    ``shares`` says that the two are in a channel together, ``answers_support``
    that the person is a support agent; both matter for clients only.
    """
    if not person.is_active:
        return False
    if viewer.is_client:
        return shares and answers_support and not person.is_client
    if person.is_client:
        return viewer.may(WRITE_TO_CLIENTS)
    teams = {viewer.user.team_id, person.team_id}
    return viewer.may(WRITE_TO_TEAMS) or None in teams or len(teams) == 1
