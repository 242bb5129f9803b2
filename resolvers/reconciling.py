"""Reconciling: bringing the channels of the directory in step with it.

What there should be is compared with what was done before, all in memory; only
differences are written, each channel's under its own lock, a few hundred people at a
time. Every step leaves what is right in itself, so that after an interruption,
wherever it was, the next pass goes on.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from resolvers import attendance
from resolvers.directory_rules import DirectoryRules, Wanted, wanted
from storage import channels, directory_channels, events, ids, placements
from storage.census import Company
from storage.directory_channels import Standing
from storage.placements import Cast
from storage.postgres import Database, Transaction
from storage.records import ChannelRecord, EventKind, MemberRole

T = TypeVar("T")

BATCH = 200
"""People who come or go in one transaction: a sender may have to wait that long."""


@dataclass(slots=True)
class Done:
    """What was done to a channel."""

    channel_id: str
    type: str
    name: str
    is_new: bool = False
    is_renamed: bool = False
    is_archived: bool = False
    is_restored: bool = False
    joined: int = 0
    left: int = 0
    recast: int = 0
    """Members with another role."""

    def __bool__(self) -> bool:
        return bool(self._said())

    def __str__(self) -> str:
        return f"{self.type} {self.name}: {', '.join(self._said()) or 'nothing'}"

    def _said(self) -> list[str]:
        whether = {
            "made": self.is_new,
            "renamed": self.is_renamed,
            "archived": self.is_archived,
            "restored": self.is_restored,
        }
        many = {"joined": self.joined, "left": self.left, "with another role": self.recast}
        return [
            *(what for what, is_so in whether.items() if is_so),
            *(f"{number} {what}" for what, number in many.items() if number),
        ]


class EmptyDirectory(Exception):
    """The directory has nobody in it who may sign in. That is no company: the collections have
    other names, or are being restored, and nobody is thrown out for it.
    """


class Reconciler:
    """Brings channels in step; keeps how they stand, to see at once what has changed."""

    def __init__(self, database: Database, rules: DirectoryRules) -> None:
        self._database = database
        self._rules = rules
        self._known: dict[str, Standing] | None = None
        """How the channels stand; None when we do not know."""

    async def reconcile(self, company: Company, *, afresh: bool = True) -> list[Done]:
        """Do what is to be done and answer it, channel by channel.

        ``afresh`` compares with the database and not with what we did last. Raises
        UNAVAILABLE, and EmptyDirectory; what was done until then is done.
        """
        if not any(person.is_active for person in company.people.values()):
            raise EmptyDirectory
        known, self._known = self._known, None
        if known is None or afresh:
            known = await directory_channels.all_of(self._database, self._rules.kinds)
        # Beside the event loop: it is long for those who wait for an answer.
        todo = await asyncio.to_thread(_differences, company, self._rules, known)
        done = []
        for channel in todo:
            result = await self._bring_in_step(channel, known.get(channel.key))
            known[channel.key] = _as_wanted(channel, result.channel_id)
            if result:
                done.append(result)
        self._known = known
        return done

    async def _bring_in_step(self, channel: Wanted, standing: Standing | None) -> Done:
        if standing is None:
            standing = await self._make(channel)
            done = Done(standing.channel_id, channel.type, channel.name, is_new=True)
        else:
            done = Done(standing.channel_id, channel.type, channel.name)
            await self._follow(channel, standing, done)
        await self._move(channel, standing, done)
        return done

    async def _make(self, channel: Wanted) -> Standing:
        channel_id = ids.new_id()
        async with self._database.transaction() as transaction:
            await channels.insert(
                transaction,
                channel_id,
                type=channel.type,
                created_by=None,
                name=channel.name,
                is_private=channel.is_private,
                department_id=channel.department_id,
                project_id=channel.project_id,
            )
            await directory_channels.record(
                transaction, channel.key, channel_id, channel.name, is_closed=channel.is_closed
            )
        return Standing(channel.key, channel_id, channel.name, channel.is_closed, {})

    async def _follow(self, channel: Wanted, standing: Standing, done: Done) -> None:
        """Another name, closed or opened again."""
        renamed = channel.name != standing.name
        turned = channel.is_closed != standing.is_closed
        if not (renamed or turned):
            return
        async with self._database.transaction() as transaction:
            await channels.lock(transaction, standing.channel_id)
            changed = await directory_channels.follow(
                transaction,
                standing.channel_id,
                channel.name,
                is_closed=channel.is_closed,
                renamed=renamed,
                turned=turned,
            )
            if changed:
                await events.append(
                    transaction, changed.id, EventKind.CHANNEL_UPDATED, actor_id=None
                )
        if changed:
            done.is_renamed = renamed
            done.is_archived = turned and channel.is_closed
            done.is_restored = turned and not channel.is_closed

    async def _move(self, channel: Wanted, standing: Standing, done: Done) -> None:
        """Who goes, who comes, and who is something else now: those first who may not stay."""
        before, after = standing.roles, channel.roles
        going = sorted(before.keys() - after.keys())
        coming = sorted(after.keys() - before.keys())
        recast = [
            Cast(user_id, before[user_id], after[user_id])
            for user_id in sorted(before.keys() & after.keys())
            if before[user_id] != after[user_id]
        ]
        is_few = max(len(going), len(coming)) <= attendance.MOST_TOLD
        is_told = channel.is_told and is_few and not done.is_new
        for batch in _batches(going):
            async with self._database.transaction() as transaction:
                now = await _locked(transaction, standing.channel_id)
                done.left += await _displace(transaction, now, batch, is_told=is_told)
        for batch in _batches(coming):
            roles = [(user_id, str(after[user_id])) for user_id in batch]
            async with self._database.transaction() as transaction:
                now = await _locked(transaction, standing.channel_id)
                joined, changed = await _place(transaction, now, roles, is_told=is_told)
                done.joined += joined
                done.recast += changed
        for casts in _batches(recast):
            async with self._database.transaction() as transaction:
                await channels.lock(transaction, standing.channel_id)
                given = await placements.recast(transaction, standing.channel_id, casts)
                await _tell_roles(transaction, standing.channel_id, given)
                done.recast += len(given)


def _differences(
    company: Company, rules: DirectoryRules, known: dict[str, Standing]
) -> list[Wanted]:
    """The channels that are not as they should be, in the order of their keys."""
    channels = wanted(company, rules, known)
    return [
        channel
        for key, channel in sorted(channels.items())
        if (standing := known.get(key)) is None
        or _as_wanted(channel, standing.channel_id) != standing
    ]


def _as_wanted(channel: Wanted, channel_id: str) -> Standing:
    return Standing(channel.key, channel_id, channel.name, channel.is_closed, dict(channel.roles))


async def _locked(transaction: Transaction, channel_id: str) -> ChannelRecord:
    await channels.lock(transaction, channel_id)
    return (await channels.by_ids(transaction, [channel_id]))[channel_id]


async def _displace(
    transaction: Transaction, channel: ChannelRecord, user_ids: list[str], *, is_told: bool
) -> int:
    gone = await placements.displace(transaction, channel.id, user_ids)
    leaving = [person.user_id for person in gone if not person.stays]
    left = await attendance.leave(transaction, channel, leaving, actor_id=None, is_told=is_told)
    # What the directory made them, they are no longer.
    demoted = await placements.cast(
        transaction,
        channel.id,
        [
            Cast(person.user_id, person.role, MemberRole.MEMBER)
            for person in gone
            if person.stays and person.role != MemberRole.MEMBER
        ],
    )
    await _tell_roles(transaction, channel.id, demoted)
    return len(left)


async def _place(
    transaction: Transaction,
    channel: ChannelRecord,
    roles: list[tuple[str, str]],
    *,
    is_told: bool,
) -> tuple[int, int]:
    """How many have joined, and how many have another role."""
    placed = await placements.place(transaction, channel.id, roles)
    joined = 0
    for role in MemberRole:
        people = [person.user_id for person in placed if person.role == role and not person.by_hand]
        if people:
            joined += len(
                await attendance.join(
                    transaction, channel, people, actor_id=None, role=role, is_told=is_told
                )
            )
    raised = await placements.cast(
        transaction,
        channel.id,
        [
            Cast(person.user_id, MemberRole.MEMBER, person.role)
            for person in placed
            if person.by_hand and person.role != MemberRole.MEMBER
        ],
    )
    await _tell_roles(transaction, channel.id, raised)
    return joined, len(raised)


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


def _batches(items: list[T]) -> Iterable[list[T]]:
    return (items[start : start + BATCH] for start in range(0, len(items), BATCH))
