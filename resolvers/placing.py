"""Placing: people whom the directory puts into a channel, takes out of it, or makes something else.

Each call is a step of its own, under the channel's lock: what people did by hand stays.
"""

from collections.abc import Iterable

from resolvers import attendance
from storage import channels, events, placements
from storage.placements import Cast
from storage.postgres import Database, Transaction
from storage.records import ChannelRecord, EventKind, MemberRole


async def let_go(database: Database, channel_id: str, user_ids: list[str], *, is_told: bool) -> int:
    """The directory does not want these people there any more: how many have left."""
    async with database.transaction() as transaction:
        channel = await _locked(transaction, channel_id)
        gone = await placements.displace(transaction, channel_id, user_ids)
        leaving = [person.user_id for person in gone if not person.stays]
        left = await attendance.leave(transaction, channel, leaving, actor_id=None, is_told=is_told)
        # What the directory made them, they are no longer.
        demoted = await placements.cast(
            transaction,
            channel_id,
            [
                Cast(person.user_id, person.role, MemberRole.MEMBER)
                for person in gone
                if person.stays and person.role != MemberRole.MEMBER
            ],
        )
        await _tell_roles(transaction, channel_id, demoted)
    return len(left)


async def take_in(
    database: Database, channel_id: str, roles: list[tuple[str, str]], *, is_told: bool
) -> tuple[int, int]:
    """The directory wants these people there: how many have joined, and how many who were there
    have another role.
    """
    joined = 0
    async with database.transaction() as transaction:
        channel = await _locked(transaction, channel_id)
        placed = await placements.place(transaction, channel_id, roles)
        for role in MemberRole:
            people = [
                person.user_id for person in placed if person.role == role and not person.by_hand
            ]
            if people:
                joined += len(
                    await attendance.join(
                        transaction, channel, people, actor_id=None, role=role, is_told=is_told
                    )
                )
        raised = await placements.cast(
            transaction,
            channel_id,
            [
                Cast(person.user_id, MemberRole.MEMBER, person.role)
                for person in placed
                if person.by_hand and person.role != MemberRole.MEMBER
            ],
        )
        await _tell_roles(transaction, channel_id, raised)
    return joined, len(raised)


async def recast(database: Database, channel_id: str, casts: list[Cast]) -> int:
    """The directory makes these people something else: how many of them are."""
    async with database.transaction() as transaction:
        await channels.lock(transaction, channel_id)
        given = await placements.recast(transaction, channel_id, casts)
        await _tell_roles(transaction, channel_id, given)
    return len(given)


async def _locked(transaction: Transaction, channel_id: str) -> ChannelRecord:
    await channels.lock(transaction, channel_id)
    return (await channels.by_ids(transaction, [channel_id]))[channel_id]


async def _tell_roles(
    transaction: Transaction, channel_id: str, roles: Iterable[tuple[str, str]]
) -> None:
    for user_id, role in roles:
        await events.append(
            transaction,
            channel_id,
            EventKind.MEMBER_ROLE_CHANGED,
            actor_id=None,
            user_ids=[user_id],
            detail=role,
        )
