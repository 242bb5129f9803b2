"""Who may do what: every rule in one place, as plain questions about plain records.

docs/security.md has the table; each function is one of its rows.
"""

from resolvers.viewer import Viewer
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

CREATE_CHANNELS = "channels:create"
MANAGE_CHANNELS = "channels:manage"
MANAGE_MEMBERS = "members:manage"
POST_IN_GENERAL = "general_channels:post"
ANSWER_SUPPORT = "support:answer"


def sees(viewer: Viewer, access: Membership) -> bool:
    """Whether the channel exists as far as the viewer can tell."""
    channel, member = access
    if member is not None:
        return True
    if viewer.is_client:
        return False
    if channel.type == ChannelType.GROUP:
        return not channel.is_private
    if channel.type == ChannelType.GENERAL:
        return channel.department_id in (None, viewer.user.department_id) or viewer.is_super_admin
    # What is private, direct messages among it, is so before a super admin too.
    return viewer.is_super_admin and not channel.is_private


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


def require_edit_message(viewer: Viewer, message: MessageRecord) -> None:
    """What somebody said is theirs to say otherwise, whoever runs the channel."""
    if message.sender_id != viewer.id:
        raise forbidden("Only the sender may edit a message.")


def require_delete_message(viewer: Viewer, access: Membership, message: MessageRecord) -> None:
    """The sender, the channel's owners and admins, and super admins who are in it."""
    if message.sender_id != viewer.id and not (_runs(access) or viewer.is_super_admin):
        raise forbidden("Only the sender and the channel's admins may delete a message.")


def require_create(viewer: Viewer, type: ChannelType) -> None:
    """Groups are made by those who may create channels, general ones by those who manage them."""
    if viewer.is_client:
        raise forbidden("You may not create channels.")
    if type not in (ChannelType.GROUP, ChannelType.GENERAL):
        raise bad_input("type", f"Channels of the type {type} are not made by hand.")
    if not viewer.may(CREATE_CHANNELS if type == ChannelType.GROUP else MANAGE_CHANNELS):
        raise forbidden("You may not create channels of this type.")


def _runs(access: Membership) -> bool:
    return access.member is not None and access.member.role in (MemberRole.OWNER, MemberRole.ADMIN)


def require_edit(viewer: Viewer, access: Membership) -> None:
    """The channel's owners and admins, and those the ERP lets manage channels."""
    require_writable(access.channel)
    if access.channel.type == ChannelType.DM:
        raise forbidden("A direct message has nothing to edit.")
    if viewer.is_client or not (_runs(access) or viewer.may(MANAGE_CHANNELS)):
        raise forbidden("Only the channel's owners and admins may change it.")


def require_manage_members(viewer: Viewer, access: Membership) -> None:
    """The channel's owners and admins, and those the ERP lets manage members."""
    require_writable(access.channel)
    if access.channel.type == ChannelType.DM:
        raise forbidden("The people of a direct message stay the same.")
    if viewer.is_client or not (_runs(access) or viewer.may(MANAGE_MEMBERS)):
        raise forbidden("Only the channel's owners and admins may do this.")


def require_change_role(viewer: Viewer, access: Membership, role: MemberRole) -> None:
    """As for members; owners are made by owners."""
    require_manage_members(viewer, access)
    owns = access.member is not None and access.member.role == MemberRole.OWNER
    if role == MemberRole.OWNER and not (owns or viewer.may(MANAGE_MEMBERS)):
        raise forbidden("Only an owner makes another one.")


def require_join(viewer: Viewer, access: Membership) -> None:
    """Public groups and general channels are open to internal people."""
    require_writable(access.channel)
    if access.channel.type not in (ChannelType.GROUP, ChannelType.GENERAL):
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


def may_write_to(
    viewer: Viewer, person: UserRecord, *, everybody: bool, shares: bool, answers_support: bool
) -> bool:
    """Whether the viewer may open a direct message with this person.

    ``everybody`` is the operator's setting, ``shares`` says that the two are in
    a channel together, ``answers_support`` that the person is a support agent.
    """
    if not person.is_active:
        return False
    if viewer.is_client:
        return shares and answers_support and not person.is_client
    if viewer.is_super_admin or viewer.may(MANAGE_MEMBERS):
        return True
    if person.is_client:
        return viewer.may(ANSWER_SUPPORT)
    teams = {viewer.user.team_id, person.team_id}
    return everybody or None in teams or len(teams) == 1
