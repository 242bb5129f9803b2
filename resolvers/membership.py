"""Coming and going: who joins, leaves, is added, removed or given another role."""

from resolvers import attendance, policy
from resolvers import channels as making
from resolvers.access import access_channel, access_channel_to_write
from resolvers.services import Services
from resolvers.viewer import Viewer
from storage import channels, events, ids, members, placements
from storage.errors import bad_input, conflict, not_found
from storage.postgres import Transaction
from storage.records import EventKind, MemberRecord, MemberRole, Membership


async def join_channel(services: Services, viewer: Viewer, channel_id: str) -> Membership:
    """Become a member; nothing happens to one who is."""
    async with services.database.transaction() as transaction:
        access = await access_channel_to_write(transaction, viewer, channel_id)
        if access.member is not None:
            return access
        policy.require_join(viewer, access)
        await attendance.join(transaction, access.channel, [viewer.id], actor_id=viewer.id)
        # Who comes back is where the directory wants them, or where it never did.
        await placements.added(transaction, access.channel.id, [viewer.id], by_hand=False)
        return await access_channel(transaction, viewer, access.channel.id)


async def leave_channel(services: Services, viewer: Viewer, channel_id: str) -> Membership:
    """Be a member no longer; the last owner has to make somebody else one first.

    The answer shows the channel for the last time to those who cannot look at it from outside.
    """
    access = await access_channel(services.database, viewer, channel_id)
    policy.require_leave(access)
    successors = await _successors(services, access, viewer.id)
    async with services.database.transaction() as transaction:
        access = await access_channel_to_write(transaction, viewer, channel_id)
        policy.require_leave(access)
        await _remove(transaction, access, viewer.id, successors, actor_id=viewer.id)
        return await _left(transaction, viewer, access)


async def add_members(
    services: Services, viewer: Viewer, channel_id: str, user_ids: list[str]
) -> Membership:
    """Make these people members; those who are already stay as they are."""
    access = await access_channel(services.database, viewer, channel_id)
    policy.require_manage_members(viewer, access)
    users = await making.people(services, user_ids, "userIds", leave_out="")
    async with services.database.transaction() as transaction:
        access = await access_channel_to_write(transaction, viewer, channel_id)
        policy.require_manage_members(viewer, access)
        if not all(policy.admits(access.channel, user) for user in users):
            raise bad_input("userIds", "Clients cannot be in this channel.")
        wanted = [user.id for user in users]
        await attendance.join(transaction, access.channel, wanted, actor_id=viewer.id)
        await placements.added(transaction, access.channel.id, wanted, by_hand=True)
        return await access_channel(transaction, viewer, access.channel.id)


async def remove_member(
    services: Services, viewer: Viewer, channel_id: str, user_id: str
) -> Membership:
    """Take somebody out. Raises NOT_FOUND for one who is not in."""
    access = await access_channel(services.database, viewer, channel_id)
    policy.require_manage_members(viewer, access)
    successors = await _successors(services, access, user_id)
    async with services.database.transaction() as transaction:
        access = await access_channel_to_write(transaction, viewer, channel_id)
        policy.require_manage_members(viewer, access)
        target = await _member(transaction, access, user_id)
        policy.require_remove(viewer, access, target)
        await _remove(transaction, access, target.user_id, successors, actor_id=viewer.id)
        return await _left(transaction, viewer, access)


async def update_member_role(
    services: Services, viewer: Viewer, channel_id: str, user_id: str, role: MemberRole
) -> Membership:
    """Make a member an owner, an admin or an ordinary member.

    Raises UNAVAILABLE when the directory cannot say whether they are a client.
    """
    # Nobody else learns what the directory says of somebody, or that it says nothing.
    access = await access_channel(services.database, viewer, channel_id)
    policy.require_manage_members(viewer, access)
    fit = role == MemberRole.MEMBER or await _may_run(services, user_id)
    successors = await _successors(services, access, user_id)
    async with services.database.transaction() as transaction:
        access = await access_channel_to_write(transaction, viewer, channel_id)
        policy.require_manage_members(viewer, access)
        target = await _member(transaction, access, user_id)
        policy.require_change_role(viewer, access, target, role)
        if not fit:
            raise bad_input("userId", "Only somebody active and inside can run a channel.")
        channel, person = access.channel.id, target.user_id
        if role != MemberRole.OWNER:
            await _require_another_owner(transaction, channel, person, successors)
        if await members.set_role(transaction, channel, person, role):
            await events.append(
                transaction,
                channel,
                EventKind.MEMBER_ROLE_CHANGED,
                actor_id=viewer.id,
                user_ids=[person],
                detail=role,
            )
        return await access_channel(transaction, viewer, channel)


async def _may_run(services: Services, user_id: str) -> bool:
    person = ids.user_id(user_id)
    found = await services.profiles.confirmed([person], making.CLIENT_SECONDS) if person else {}
    return any(policy.may_run(user) for user in found.values())


async def _member(transaction: Transaction, access: Membership, user_id: str) -> MemberRecord:
    person = ids.user_id(user_id)
    found = await members.get(transaction, access.channel.id, person) if person else None
    if found is None:
        raise not_found("member", "userId")
    return found


async def _successors(services: Services, access: Membership, user_id: str) -> list[str]:
    """Who runs the channel should this owner go: other owners, unless they are gone themselves."""
    person = ids.user_id(user_id)
    others = (
        await members.other_owners(services.database, access.channel.id, person) if person else []
    )
    found = await services.profiles.by_ids(others)
    return [id for id in others if policy.may_run(found[id])]


async def _require_another_owner(
    transaction: Transaction, channel: str, person: str, successors: list[str]
) -> None:
    if await members.is_last_owner(transaction, channel, person, successors):
        raise conflict("The last owner has to make somebody else an owner first.", "userId")


async def _remove(
    transaction: Transaction,
    access: Membership,
    user_id: str,
    successors: list[str],
    *,
    actor_id: str,
) -> None:
    channel_id = access.channel.id
    if access.channel.member_count > 1:
        await _require_another_owner(transaction, channel_id, user_id, successors)
    # First all that is said of it: whoever has left may have nothing to say here any more.
    await placements.left(transaction, channel_id, user_id)
    await attendance.leave(transaction, access.channel, [user_id], actor_id=actor_id)


async def _left(transaction: Transaction, viewer: Viewer, access: Membership) -> Membership:
    """The channel as it is after the removal, seen for the last time perhaps."""
    channel = access.channel
    now = await channels.membership(transaction, channel.id, viewer.id)
    if now is not None:
        return now
    left = channel._replace(
        member_count=channel.member_count - 1, position=transaction.moved[channel.id]
    )
    return Membership(left, None)
