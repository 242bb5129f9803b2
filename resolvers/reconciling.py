"""Reconciling: bringing the channels of the directory in step with it.

What there should be is compared with what was done before, all in memory; only
differences are written, each channel's under its own lock, a few hundred people at a
time: first whoever may not stay, in every channel, then everything else. Every step
leaves what is right in itself, so that after an interruption, wherever it was, the
next pass goes on.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from resolvers import attendance, placing
from resolvers.directory_rules import DirectoryRules, Wanted, wanted
from storage import channels, directory_channels, events, ids
from storage.census import Company
from storage.directory_channels import Standing
from storage.placements import Cast
from storage.postgres import Database
from storage.records import EventKind

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


@dataclass(slots=True)
class _Task:
    """A channel that is not as it should be."""

    channel: Wanted
    standing: Standing | None
    """None: there is no such channel yet."""
    done: Done
    is_told: bool
    """Whether the channel is told who comes and goes."""


class Reconciler:
    """Brings channels in step; keeps how they stand, to see at once what has changed."""

    def __init__(self, database: Database, rules: DirectoryRules) -> None:
        self._database = database
        self._rules = rules
        self._known: dict[str, Standing] | None = None
        """How the channels stand; None when we do not know."""
        self.is_behind = False
        """Whether the last pass has left something to the next one."""

    async def reconcile(
        self,
        company: Company,
        *,
        afresh: bool = True,
        is_past: Callable[[], bool] = lambda: False,
    ) -> list[Done]:
        """Do what is to be done and answer it, channel by channel.

        ``afresh`` compares with the database and not with what we did last. ``is_past`` is
        asked after each step whether this company is one of the past: then whoever may not stay
        in it is out, and the rest is left to the next pass, which knows better. Raises
        UNAVAILABLE, and EmptyDirectory; what was done until then is done.
        """
        known, self._known = self._known, None
        self.is_behind = False
        if not any(person.is_active for person in company.people.values()):
            raise EmptyDirectory
        if known is None or afresh:
            known = await directory_channels.all_of(self._database, self._rules.kinds)
            tasks = await self._tasks(company, known)
        elif tasks := await self._tasks(company, known):
            # Somebody else may have brought these in step since.
            keys = [task.channel.key for task in tasks]
            found = await directory_channels.by_keys(self._database, keys)
            known = {key: known[key] for key in known.keys() - set(keys)} | found
            tasks = await self._tasks(company, known)
        for task in tasks:
            if task.standing:
                await self._let_go(task, task.standing)
        self.is_behind = not await self._go_on(tasks, known, is_past)
        self._known = known
        return [task.done for task in tasks if task.done]

    async def _tasks(self, company: Company, known: dict[str, Standing]) -> list[_Task]:
        # Beside the event loop: it is long for those who wait for an answer.
        return await asyncio.to_thread(_tasks, company, self._rules, known)

    async def _go_on(
        self, tasks: list[_Task], known: dict[str, Standing], is_past: Callable[[], bool]
    ) -> bool:
        """Do the rest; answers whether all of it."""
        for task in tasks:
            standing = task.standing
            if _is_as_wanted(task.channel, standing):
                continue
            if standing is None:
                standing = known[task.channel.key] = await self._make(task)
            else:
                known[task.channel.key] = await self._follow(task, standing)
            for batch in _coming(task.channel, standing):
                await self._take_in(task, standing, batch)
                if is_past():
                    return False
            if is_past():
                return False
        return True

    async def _let_go(self, task: _Task, standing: Standing) -> None:
        """Whoever may not stay goes, and whoever is something else now is that."""
        before, after = standing.roles, task.channel.roles
        for going in _batches(sorted(before.keys() - after.keys())):
            task.done.left += await placing.let_go(
                self._database, standing.channel_id, going, is_told=task.is_told
            )
            for user_id in going:
                del before[user_id]
        recast = [
            Cast(user_id, role, after[user_id])
            for user_id, role in sorted(before.items())
            if role != after[user_id]
        ]
        for casts in _batches(recast):
            task.done.recast += await placing.recast(self._database, standing.channel_id, casts)
            before.update((cast.user_id, cast.role) for cast in casts)

    async def _make(self, task: _Task) -> Standing:
        channel, channel_id = task.channel, task.done.channel_id
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
        task.done.is_new = True
        return Standing(channel.key, channel_id, channel.name, channel.is_closed, {})

    async def _follow(self, task: _Task, standing: Standing) -> Standing:
        """Another name, closed or opened again."""
        channel = task.channel
        renamed = channel.name != standing.name
        turned = channel.is_closed != standing.is_closed
        if not (renamed or turned):
            return standing
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
            task.done.is_renamed = renamed
            task.done.is_archived = turned and channel.is_closed
            task.done.is_restored = turned and not channel.is_closed
        return standing._replace(name=channel.name, is_closed=channel.is_closed)

    async def _take_in(self, task: _Task, standing: Standing, user_ids: list[str]) -> None:
        roles = [(user_id, str(task.channel.roles[user_id])) for user_id in user_ids]
        joined, changed = await placing.take_in(
            self._database, standing.channel_id, roles, is_told=task.is_told
        )
        task.done.joined += joined
        task.done.recast += changed
        standing.roles.update(roles)


def _tasks(company: Company, rules: DirectoryRules, known: dict[str, Standing]) -> list[_Task]:
    """The channels that are not as they should be, in the order of their keys."""
    return [
        _task(channel, known.get(key))
        for key, channel in sorted(wanted(company, rules, known).items())
        if not _is_as_wanted(channel, known.get(key))
    ]


def _task(channel: Wanted, standing: Standing | None) -> _Task:
    if standing is None:
        done = Done(ids.new_id(), channel.type, channel.name)
        return _Task(channel, None, done, is_told=False)
    most = max(
        len(standing.roles.keys() - channel.roles.keys()),
        len(channel.roles.keys() - standing.roles.keys()),
    )
    done = Done(standing.channel_id, channel.type, channel.name)
    return _Task(channel, standing, done, is_told=channel.is_told and most <= attendance.MOST_TOLD)


def _is_as_wanted(channel: Wanted, standing: Standing | None) -> bool:
    return standing is not None and (standing.name, standing.is_closed, standing.roles) == (
        channel.name,
        channel.is_closed,
        channel.roles,
    )


def _coming(channel: Wanted, standing: Standing) -> Iterable[list[str]]:
    return _batches(sorted(channel.roles.keys() - standing.roles.keys()))


def _batches(items: list[T]) -> Iterable[list[T]]:
    return (items[start : start + BATCH] for start in range(0, len(items), BATCH))
