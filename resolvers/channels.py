"""Channels: making, finding and changing them."""

from functools import partial
from typing import Any

from resolvers import attendance, inputs, policy
from resolvers.access import access_channel, access_channel_to_write
from resolvers.pages import Page, Placed
from resolvers.services import Services
from resolvers.viewer import Viewer
from storage import channels, cursors, events, ids, members, reading
from storage.cursors import CursorKind
from storage.errors import bad_input, forbidden, not_found
from storage.postgres import Transaction
from storage.records import (
    ChannelRecord,
    ChannelType,
    EventKind,
    MemberRole,
    Membership,
    UnreadRecord,
    UserRecord,
)

MAX_DM_PEOPLE = 9
"""In a direct message, the viewer among them."""

CLIENT_SECONDS = 60.0
"""How long ago the directory may have said that somebody is no client."""


async def channel(services: Services, viewer: Viewer, channel_id: str) -> Membership:
    """A channel the viewer may see. Raises NOT_FOUND."""
    return await access_channel(services.database, viewer, channel_id)


async def sidebar(
    services: Services,
    viewer: Viewer,
    *,
    by_name: bool,
    types: list[ChannelType] | None,
    unread_only: bool,
    include_archived: bool,
    search: str | None,
    first: int | None,
    after: str | None,
) -> Page[Membership]:
    """The viewer's own channels."""
    limit = inputs.first(first)
    search = inputs.optional_text(search, "search", longest=inputs.MAX_SEARCH)
    scope = f"{viewer.id}:{'name' if by_name else 'activity'}"
    key: tuple[str, str] | None = None
    if after is not None:
        sort_key, last = cursors.decode(CursorKind.CHANNEL, scope, after, "after", (str, str))
        key = (str(sort_key), str(last))
    rows = await channels.sidebar(
        services.database,
        viewer.id,
        by_name=by_name,
        types=None if types is None else [str(type) for type in types],
        include_archived=include_archived,
        unread_only=unread_only,
        search=search,
        after=key,
        limit=limit + 1,
    )
    edges = [
        Placed(cursors.encode(CursorKind.CHANNEL, scope, sort_key, access.channel.id), access)
        for access, sort_key in rows[:limit]
    ]
    return Page(edges, has_next=len(rows) > limit, has_previous=after is not None)


async def unread_total(services: Services, viewer: Viewer) -> list[UnreadRecord]:
    """What is unread in every channel that is not muted."""
    return await reading.unread(services.database, viewer.id)


async def create_channel(
    services: Services,
    viewer: Viewer,
    *,
    type: ChannelType,
    name: str,
    topic: str | None,
    is_private: bool,
    member_ids: list[str],
) -> Membership:
    """A new channel with the viewer as its owner and these people in it."""
    policy.require_create(viewer, type)
    name = inputs.text(name, "name", longest=inputs.MAX_NAME)
    topic = inputs.optional_text(topic, "topic", longest=inputs.MAX_TOPIC)
    if is_private and type == ChannelType.GENERAL:
        raise bad_input("isPrivate", "A general channel is open to everybody.")
    others = await people(services, member_ids, "memberIds", leave_out=viewer.id)
    channel_id = ids.new_id()
    async with services.database.transaction() as transaction:
        made = await channels.insert(
            transaction,
            channel_id,
            type=type,
            created_by=viewer.id,
            name=name,
            topic=topic,
            is_private=is_private,
        )
        assert made is not None, "only a direct message can exist already"
        _require_admitted(made, others, "memberIds")
        # Who comes with the channel is no news in it.
        come = partial(attendance.join, transaction, made, actor_id=viewer.id, is_told=False)
        await come([viewer.id], role=MemberRole.OWNER)
        await come([user.id for user in others])
        return await access_channel(transaction, viewer, channel_id)


async def update_channel(
    services: Services, viewer: Viewer, channel_id: str, changes: dict[str, Any]
) -> Membership:
    """Change what ``changes`` names (name, topic, avatar_url, is_private), leave the rest."""
    clean = _clean(changes)
    async with services.database.transaction() as transaction:
        access = await access_channel_to_write(transaction, viewer, channel_id)
        before = access.channel
        policy.require_edit(viewer, access)
        if clean.get("is_private") and before.type != ChannelType.GROUP:
            raise bad_input("isPrivate", "Only a group can be private.")
        wanted = before._replace(**clean)
        if wanted == before:
            return access
        closes = wanted.is_private and not before.is_private
        if closes:
            # Nobody shuts a door from outside: they could not open it again.
            policy.require_member(access)
        if before.is_private and not wanted.is_private:
            await _require_no_clients(services, transaction, before.id)
        await channels.update(
            transaction,
            before.id,
            name=wanted.name,
            topic=wanted.topic,
            avatar_url=wanted.avatar_url,
            is_private=wanted.is_private,
        )
        await events.append(
            transaction,
            before.id,
            EventKind.CHANNEL_UPDATED,
            actor_id=viewer.id,
            detail="private" if closes else None,
        )
        return await access_channel(transaction, viewer, before.id)


async def archive_channel(
    services: Services, viewer: Viewer, channel_id: str, *, is_archived: bool
) -> Membership:
    """Close a channel for writing, or open it again; nothing happens to one that is so already."""
    async with services.database.transaction() as transaction:
        access = await access_channel_to_write(transaction, viewer, channel_id)
        policy.require_archive(viewer, access)
        if access.channel.is_archived == is_archived:
            return access
        changed = await channels.set_archived(transaction, access.channel.id, is_archived)
        await events.append(transaction, changed.id, EventKind.CHANNEL_UPDATED, actor_id=viewer.id)
        return await access_channel(transaction, viewer, changed.id)


async def open_direct_message(
    services: Services, viewer: Viewer, user_ids: list[str]
) -> Membership:
    """The one direct message of exactly these people and the viewer."""
    others = await people(services, user_ids, "userIds", leave_out=viewer.id)
    shared = await members.companions(services.database, viewer.id, [user.id for user in others])
    if viewer.is_client and len(shared) < len(others):
        # Before anything else is said of them: to a client, strangers do not exist.
        raise not_found("person", "userIds")
    if not others:
        raise bad_input("userIds", "A direct message needs somebody else.")
    if len(others) >= MAX_DM_PEOPLE:
        raise bad_input("userIds", f"A direct message has at most {MAX_DM_PEOPLE} people.")
    dm_key = ",".join(sorted([viewer.id, *(user.id for user in others)]))
    known = await channels.dm_by_key(services.database, dm_key)
    if known is None:
        await _require_may_write_to(services, viewer, others, shared)
        known = await _create_dm(services, viewer, others, dm_key)
    return await access_channel(services.database, viewer, known)


async def people(
    services: Services, user_ids: list[str], field: str, *, leave_out: str
) -> list[UserRecord]:
    """These people, who must all be active, without the viewer. Raises NOT_FOUND for others."""
    unknown = not_found("person", field)
    wanted = [id for id in inputs.user_ids(user_ids, field, unknown) if id != leave_out]
    found = await services.profiles.confirmed(wanted) if wanted else {}
    users = [found[id] for id in wanted if id in found]
    if len(users) != len(wanted) or not all(user.is_active for user in users):
        raise unknown
    return users


async def _create_dm(
    services: Services, viewer: Viewer, others: list[UserRecord], dm_key: str
) -> str:
    channel_id = ids.new_id()
    async with services.database.transaction() as transaction:
        made = await channels.insert(
            transaction,
            channel_id,
            type=ChannelType.DM,
            created_by=viewer.id,
            is_private=True,
            dm_key=dm_key,
        )
        if made is None:
            # Somebody else opened it in this very moment; theirs is committed by now.
            found = await channels.dm_by_key(transaction, dm_key)
            assert found is not None, "a direct message is never deleted"
            return found
        everybody = [viewer.id, *(user.id for user in others)]
        await attendance.join(transaction, made, everybody, actor_id=viewer.id)
    return channel_id


async def _require_may_write_to(
    services: Services, viewer: Viewer, others: list[UserRecord], shared: set[str]
) -> None:
    for user in others:
        if not policy.may_write_to(
            viewer,
            user,
            shares=user.id in shared,
            answers_support=viewer.is_client and await _answers_support(services, user),
        ):
            raise forbidden("You may not write to everybody of these directly.")


async def _answers_support(services: Services, user: UserRecord) -> bool:
    role = await services.profiles.role(user.role) if user.role else None
    return role is not None and policy.ANSWER_SUPPORT in role.permissions


def _require_admitted(channel: ChannelRecord, users: list[UserRecord], field: str) -> None:
    if not all(policy.admits(channel, user) for user in users):
        raise bad_input(field, "Clients cannot be in a channel that is open to everybody inside.")


async def _require_no_clients(
    services: Services, transaction: Transaction, channel_id: str
) -> None:
    inside = await members.ids(transaction, channel_id)
    # Confirmed: a plain placeholder would pass for a colleague.
    found = await services.profiles.confirmed(inside, CLIENT_SECONDS)
    if any(user.is_client for user in found.values()):
        raise bad_input("isPrivate", "There are clients in this channel; it has to stay private.")


def _clean(changes: dict[str, Any]) -> dict[str, Any]:
    clean = dict(changes)
    if "name" in changes:
        clean["name"] = inputs.text(changes["name"] or "", "name", longest=inputs.MAX_NAME)
    if "topic" in changes:
        clean["topic"] = inputs.optional_text(changes["topic"], "topic", longest=inputs.MAX_TOPIC)
    if "avatar_url" in changes:
        clean["avatar_url"] = inputs.url(changes["avatar_url"], "avatarUrl")
    if changes.get("is_private", False) is None:
        raise bad_input("isPrivate", "This must be true or false.")
    return clean
