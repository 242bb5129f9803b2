"""Unread and mention counts: random lives of two channels against the rule, counted by hand.

BACKCHANNEL_TEST_LIVES says how many lives, of a hundred steps each; by default it is a few
short ones.
"""

import asyncio
import itertools
import os
from collections.abc import Collection, Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, TypeVar
from uuid import uuid4

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.operations import document, patiently
from tests.resolvers.model import TEXTS, Room, Said, total
from tests.world import Person, Socket, World

T = TypeVar("T")

KEYS = ("owner", "one", "other")
DEVICES = 3
LIVES = int(os.environ.get("BACKCHANNEL_TEST_LIVES", "0"))

SEEN = """
fragment Seen on Channel {
  unreadCount mentionCount memberCount membership { isMuted }
  lastMessage { id isDeleted }
  messages(last: 100) { edges { node { id contentType isDeleted replyCount lastReply { id } } } }
}
query ($first: ID!, $second: ID!) {
  first: channel(id: $first) { ...Seen }
  second: channel(id: $second) { ...Seen }
  viewer {
    unread { messages mentions channels }
    channels(filter: { unreadOnly: true }) { edges { node { id } } }
  }
}
"""

people = st.sampled_from(KEYS)
rooms = st.integers(0, 1)
texts = st.sampled_from(sorted(TEXTS))
names = st.lists(people, max_size=2)
some = st.integers(0, 1_000)


def machine(
    world: World,
    cast: dict[str, Person],
    devices: Mapping[str, Iterator[Socket]],
    online: set[str],
    loop: asyncio.AbstractEventLoop,
) -> type[RuleBasedStateMachine]:
    """The state machine; it runs in a thread of its own and lets the loop do its requests.

    Each is made on another of the person's devices than the one before.
    """

    def wait(doing: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(doing, loop).result(timeout=30)

    def do(key: str, name: str, selection: str | None = None, **arguments: Any) -> Any:
        query = document(name, arguments, selection)
        device = next(devices[key])
        return wait(patiently(partial(device.run, query, **arguments)))[name]

    class Life(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            online.clear()
            others = [cast[key] for key in KEYS[1:]]
            self.rooms = [
                Room(wait(cast[KEYS[0]].create_channel(*others, isPrivate=False))) for _ in range(2)
            ]
            for room in self.rooms:
                for key in KEYS:
                    room.join(key)

        def room_of(self, key: str, number: int) -> Room | None:
            room = self.rooms[number]
            return room if key in room.members else None

        def message(self, number: int) -> tuple[Room, Said, int]:
            places = [
                (room, said, place) for room in self.rooms for place, said in enumerate(room.said)
            ]
            return places[number % len(places)]

        def here(self, room: Room) -> frozenset[str]:
            return frozenset(key for key in room.members if cast[key].id in online)

        def send(
            self, room: Room, key: str, text: str, mentioned: list[str], root: Said | None
        ) -> None:
            inside = [other for other in dict.fromkeys(mentioned) if other in room.members]
            input = {
                "channelId": room.id,
                "content": text,
                "parentId": root.id if root else None,
                "mentionedUserIds": [cast[other].id for other in inside],
                "clientMessageId": str(uuid4()),
            }
            here = self.here(room) if TEXTS[text] == "here" else None
            id = do(key, "sendMessage", input=input)["message"]["id"]
            room.said.append(Said(id, key, root, text, frozenset(inside), here))

        @rule(key=people, number=rooms, text=texts, mentioned=names)
        def say(self, key: str, number: int, text: str, mentioned: list[str]) -> None:
            if room := self.room_of(key, number):
                self.send(room, key, text, mentioned, None)

        @precondition(lambda self: any(room.said for room in self.rooms))
        @rule(key=people, number=some, text=texts, mentioned=names)
        def reply(self, key: str, number: int, text: str, mentioned: list[str]) -> None:
            room, root, _ = self.message(number)
            if key in room.members and root.root is None:
                self.send(room, key, text, mentioned, root)

        @precondition(lambda self: any(room.said for room in self.rooms))
        @rule(number=some, text=texts)
        def edit(self, number: int, text: str) -> None:
            room, said, _ = self.message(number)
            if said.sender in room.members and not said.is_deleted:
                do(said.sender, "editMessage", messageId=said.id, content=text)
                if text != said.text:
                    # Who was called stays called; who came online since is not.
                    now = said.here if said.here is not None else self.here(room)
                    said.here = now if TEXTS[text] == "here" else None
                said.text = text

        @precondition(lambda self: any(room.said for room in self.rooms))
        @rule(key=people, number=some)
        def delete(self, key: str, number: int) -> None:
            room, said, _ = self.message(number)
            if key in room.members and key in (said.sender, KEYS[0]):
                do(key, "deleteMessage", messageId=said.id)
                said.is_deleted = True

        @precondition(lambda self: any(room.said for room in self.rooms))
        @rule(key=people, number=some)
        def read(self, key: str, number: int) -> None:
            room, said, place = self.message(number)
            if key in room.members:
                do(key, "markRead", channelId=room.id, messageId=said.id)
                room.read(key, place + 1)

        @rule(key=people, number=rooms)
        def read_all(self, key: str, number: int) -> None:
            if room := self.room_of(key, number):
                do(key, "markRead", channelId=room.id)
                room.read(key, len(room.said))

        @precondition(lambda self: any(room.said for room in self.rooms))
        @rule(key=people, number=some)
        def unread(self, key: str, number: int) -> None:
            room, said, place = self.message(number)
            if key in room.members:
                do(key, "markUnread", messageId=said.id)
                room.unread(key, place)

        @rule(key=people, number=rooms)
        def mute_or_not(self, key: str, number: int) -> None:
            if room := self.room_of(key, number):
                member = room.members[key]
                member.is_muted = not member.is_muted
                input = {"channelId": room.id, "isMuted": member.is_muted}
                do(key, "updateChannelPreferences", input=input)

        @rule(key=people)
        def be_online_or_not(self, key: str) -> None:
            online.symmetric_difference_update({cast[key].id})

        @rule(key=st.sampled_from(KEYS[1:]), number=rooms)
        def come_or_go(self, key: str, number: int) -> None:
            room = self.rooms[number]
            if key in room.members:
                do(key, "leaveChannel", channelId=room.id)
                del room.members[key]
            else:
                do(key, "joinChannel", channelId=room.id)
                room.join(key)

        @invariant()
        def every_count_is_right(self) -> None:
            first, second = self.rooms
            for key, seen in zip(KEYS, wait(self.looked_at()), strict=True):
                for room in (seen["first"], seen["second"]):
                    room["messages"] = without_notices(room["messages"])
                listed = [edge["node"]["id"] for edge in seen["viewer"].pop("channels")["edges"]]
                assert seen == {
                    "first": first.seen_by(key),
                    "second": second.seen_by(key),
                    "viewer": {"unread": total(self.rooms, key)},
                }, key
                assert set(listed) == {room.id for room in self.rooms if any(room.counts(key))}

        async def looked_at(self) -> list[Any]:
            first, second = self.rooms
            ids = {"first": first.id, "second": second.id}
            looks = (partial(next(devices[key]).run, SEEN, **ids) for key in KEYS)
            return await asyncio.gather(*map(patiently, looks))

        def teardown(self) -> None:
            ids = [room.id for room in self.rooms]
            wait(world.database.execute("delete from channels where id = any($1)", ids))

    return Life


def without_notices(messages: Any) -> list[Any]:
    """What people said, without who came and who went: that counts nowhere."""
    nodes = [edge["node"] for edge in messages["edges"]]
    return [node for node in nodes if node.pop("contentType") != "SYSTEM"]


@pytest.mark.timeout(60 * (1 + LIVES))
async def test_counts_are_those_of_one_who_remembers_everything(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    online: set[str] = set()

    async def are_online(user_ids: Collection[str]) -> set[str]:
        return online & set(user_ids)

    monkeypatch.setattr(world.services.live, "online", are_online)
    cast = {key: await world.new_person(key.capitalize()) for key in KEYS}
    async with AsyncExitStack() as stack:
        devices = {
            key: itertools.cycle(
                [await stack.enter_async_context(person.socket()) for _ in range(DEVICES)]
            )
            for key, person in cast.items()
        }
        lives = machine(world, cast, devices, online, asyncio.get_running_loop())
        how = (
            settings(max_examples=LIVES, stateful_step_count=100)
            if LIVES
            else settings(max_examples=5, stateful_step_count=25)
        )
        await asyncio.to_thread(run_state_machine_as_test, lives, settings=how)
