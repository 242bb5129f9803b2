"""Unread and mention counts: random lives of two channels against the rule, counted by hand.

Everybody acts on three devices in turn. Every count is compared after every step, and after every
twenty as GraphQL shows it. At the end of a life each device of everybody shows, by what its inbox
has been told, what is so. BACKCHANNEL_TEST_LIVES says how many lives there are, of a hundred steps
each; twenty are two thousand steps.
"""

import asyncio
import os
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from typing import Any, TypeVar
from uuid import uuid4

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from storage import reading
from tests.resolvers.cast import KEYS, LEAVE, LOOK, ONCE_MORE, REPLIES, SIZES, THREADS, Cast
from tests.resolvers.chance import Chance, chances, one_of
from tests.resolvers.model import TEXTS, Room, Said, total
from tests.world import PATIENCE, World

T = TypeVar("T")

LIVES = int(os.environ.get("BACKCHANNEL_TEST_LIVES", "20"))
STEPS = 100
LOOKED_AT_EVERY = 20

DEEDS = {
    "send": "sendMessage",
    "reply": "sendMessage",
    "edit": "editMessage",
    "delete": "deleteMessage",
    "read": "markRead",
    "read_all": "markRead",
    "unread": "markUnread",
    "join": "joinChannel",
    "leave": "leaveChannel",
    "mute": "updateChannelPreferences",
}
"""What is done at a step, and by which mutation."""


def machine(cast: Cast, loop: asyncio.AbstractEventLoop) -> type[RuleBasedStateMachine]:
    """The state machine; it runs in a thread of its own and lets the loop do its requests."""

    def wait(doing: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(doing, loop).result(timeout=3 * PATIENCE)

    def do(key: str, name: str, **arguments: Any) -> Any:
        return wait(cast.do(key, name, **arguments))

    class Life(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.is_right = False
            self.steps = 0
            owner, *others = [cast.people[key] for key in KEYS]
            self.rooms = [
                Room(wait(owner.create_channel(*others, isPrivate=False))) for _ in range(2)
            ]
            for room in self.rooms:
                for key in KEYS:
                    room.join(key)

        @rule(deed=st.sampled_from(list(DEEDS)), chance=chances)
        def step(self, deed: str, chance: Chance) -> None:
            cast.online = chance.online
            getattr(self, deed)(chance)

        def room(self, chance: Chance) -> tuple[Room, str]:
            """A channel and somebody in it."""
            room = one_of(self.rooms, chance.which)
            return room, one_of(sorted(room.members), chance.who)

        def message(self, chance: Chance) -> tuple[Room, Said, int, str]:
            """A message with its channel and its place there, and somebody in the channel."""
            if not any(room.said for room in self.rooms):
                self.send(chance)
            places = [(room, place) for room in self.rooms for place in range(len(room.said))]
            room, place = one_of(places, chance.which)
            return room, room.said[place], place, one_of(sorted(room.members), chance.who)

        def send(self, chance: Chance) -> None:
            self.say(*self.room(chance), chance, None)

        def reply(self, chance: Chance) -> None:
            room, said, _, key = self.message(chance)
            self.say(room, key, chance, said.root or said)

        def say(self, room: Room, key: str, chance: Chance, root: Said | None) -> None:
            inside = [other for other in chance.named if other in room.members]
            input = {
                "channelId": room.id,
                "content": chance.text,
                "parentId": root and root.id,
                "mentionedUserIds": [cast.people[other].id for other in inside],
                "clientMessageId": str(uuid4()),
            }
            id = do(key, "sendMessage", input=input)["message"]["id"]
            here = self.here(room) if TEXTS[chance.text] == "here" else None
            room.said.append(Said(id, key, root, chance.text, frozenset(inside), here))

        def here(self, room: Room) -> frozenset[str]:
            return cast.online.intersection(room.members)

        def edit(self, chance: Chance) -> None:
            editable = [
                (room, said)
                for room in self.rooms
                for said in room.said
                if said.sender in room.members and not said.is_deleted
            ]
            if not editable:
                self.send(chance)
                return
            room, said = one_of(editable, chance.which)
            do(said.sender, "editMessage", messageId=said.id, content=chance.text)
            if chance.text != said.text:
                # Who was called stays called; who came online since is not.
                now = said.here if said.here is not None else self.here(room)
                said.here = now if TEXTS[chance.text] == "here" else None
            said.text = chance.text

        def delete(self, chance: Chance) -> None:
            room, said, _, _ = self.message(chance)
            by_sender = said.sender in room.members and not chance.by_owner
            do(said.sender if by_sender else KEYS[0], "deleteMessage", messageId=said.id)
            said.is_deleted = True

        def read(self, chance: Chance) -> None:
            room, said, place, key = self.message(chance)
            do(key, "markRead", channelId=room.id, messageId=said.id)
            room.read(key, place + 1)

        def read_all(self, chance: Chance) -> None:
            room, key = self.room(chance)
            do(key, "markRead", channelId=room.id)
            room.read(key, len(room.said))

        def unread(self, chance: Chance) -> None:
            room, said, place, key = self.message(chance)
            do(key, "markUnread", messageId=said.id)
            room.unread(key, place)

        def join(self, chance: Chance) -> None:
            outside = [
                (room, key) for room in self.rooms for key in KEYS if key not in room.members
            ]
            if not outside:
                self.leave(chance)
                return
            room, key = one_of(outside, chance.which)
            if chance.by_owner:
                do(KEYS[0], "addMembers", channelId=room.id, userIds=[cast.people[key].id])
            else:
                do(key, "joinChannel", channelId=room.id)
            room.join(key)

        def leave(self, chance: Chance) -> None:
            inside = [(room, key) for room in self.rooms for key in KEYS[1:] if key in room.members]
            if not inside:
                self.join(chance)
                return
            room, key = one_of(inside, chance.which)
            if chance.by_owner:
                do(KEYS[0], "removeMember", channelId=room.id, userId=cast.people[key].id)
            else:
                do(key, "leaveChannel", channelId=room.id)
            del room.members[key]

        def mute(self, chance: Chance) -> None:
            room, key = self.room(chance)
            member = room.members[key]
            member.is_muted = not member.is_muted
            input = {"channelId": room.id, "isMuted": member.is_muted}
            do(key, "updateChannelPreferences", input=input)

        @invariant()
        def every_count_is_right(self) -> None:
            self.is_right = False
            wait(self.counted())
            if self.steps % LOOKED_AT_EVERY == 0:
                wait(self.looked_at())
            self.steps += 1
            self.is_right = True

        async def counted(self) -> None:
            """Every count, as the statements that answer GraphQL have it."""
            database, rooms = cast.world.database, [room.id for room in self.rooms]
            for key, person in cast.people.items():
                seen = {each.channel_id: each for each in await reading.unread(database, person.id)}
                listed = await reading.unread(database, person.id, rooms)
                loud = [room for room in self.rooms if room.is_loud_for(key)]
                assert {id: each[1:] for id, each in seen.items()} == {
                    room.id: room.counts(key) for room in loud
                }, key
                assert {id: counts for id, *counts in listed} == {
                    room.id: list(room.counts(key)) for room in self.rooms if key in room.members
                }, key
            sizes = await database.fetch(SIZES, rooms)
            assert {row[0]: row[1] for row in sizes} == {
                room.id: len(room.members) for room in self.rooms
            }
            replies = await database.fetch(REPLIES, rooms)
            assert {row[0]: row[1] for row in replies} == {
                root.id: len(room.replies(root)) for room in self.rooms for root in room.roots
            }

        async def looked_at(self) -> None:
            """The same by GraphQL, for everybody."""
            first, second = self.rooms
            *looks, threads = await asyncio.gather(
                *(cast.run(key, LOOK) for key in KEYS),
                cast.run(KEYS[0], THREADS, first=first.id, second=second.id),
            )
            for key, seen in zip(KEYS, looks, strict=True):
                nodes = [edge["node"] for edge in seen["viewer"]["channels"]["edges"]]
                assert {node.pop("id"): node for node in nodes} == self.listed(key), key
                assert seen["viewer"]["unread"] == total(self.rooms, key), key
            for room, seen in zip(self.rooms, threads.values(), strict=True):
                shown = without_notices(seen.pop("messages"))
                assert {**seen, "messages": shown} == room.threads

        def listed(self, key: str) -> dict[str, Any]:
            """Somebody's channels with their counts."""
            return {room.id: room.seen_by(key) for room in self.rooms if key in room.members}

        def teardown(self) -> None:
            try:
                if self.is_right:
                    wait(self.looked_at_once_more())
            finally:
                wait(self.everybody_leaves())

        async def looked_at_once_more(self) -> None:
            first, second = self.rooms
            for key in KEYS:
                seen = await cast.run(key, ONCE_MORE, first=first.id, second=second.id)
                unread = [edge["node"]["id"] for edge in seen.pop("viewer")["channels"]["edges"]]
                assert list(seen.values()) == [room.seen_by(key) for room in self.rooms], key
                assert set(unread) == {room.id for room in self.rooms if any(room.counts(key))}
                await cast.are_shown(key, self.listed(key), total(self.rooms, key))

        async def everybody_leaves(self) -> None:
            """So that nothing of this life is in the sidebars of the next one."""
            for room in self.rooms:
                for key in sorted(room.members, key=KEYS.index, reverse=True):
                    await cast.run(key, LEAVE, id=room.id)
                room.members.clear()
            if self.is_right:
                for key in KEYS:
                    await cast.are_shown(key, {}, total([], key))

    return Life


def without_notices(messages: Any) -> list[Any]:
    """What people said, without who came and who went: that counts nowhere."""
    nodes = [edge["node"] for edge in messages["edges"]]
    return [node for node in nodes if node.pop("contentType") != "SYSTEM"]


@pytest.mark.timeout(60 + 15 * LIVES)
async def test_counts_are_those_of_one_who_remembers_everything(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    cast = Cast(world)
    monkeypatch.setattr(world.services.live, "online", cast.are_online)
    async with AsyncExitStack() as stack:
        await cast.enter(stack)
        lives = machine(cast, asyncio.get_running_loop())
        how = settings(max_examples=LIVES, stateful_step_count=STEPS)
        await asyncio.to_thread(run_state_machine_as_test, lives, settings=how)
    # Whatever is random about it: much was done, and everything but in the first life, which is the
    # simplest there is.
    if LIVES > 1:
        assert set(cast.done) >= {*DEEDS.values(), "addMembers", "removeMember"}
    assert sum(cast.done.values()) >= 0.9 * LIVES * STEPS, cast.done
