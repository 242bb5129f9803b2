"""Unread and mention counts: random lives of a channel against the rule, counted by hand.

The rule: unreadCount is the number of top-level TEXT and FILE messages by
others, not deleted, sent after the viewer's read marker and since they joined;
replies do not count in it. mentionCount is the number of messages and replies
by others, not deleted, after the marker, that mention the viewer by id or by
@channel.
"""

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.operations import document
from tests.world import Person, Socket, World

T = TypeVar("T")

KEYS = ("owner", "one", "other")
COUNTS = """query ($id: ID!) {
  channel(id: $id) { unreadCount mentionCount memberCount }
  viewer { unread { messages mentions channels } }
}"""

people = st.sampled_from(KEYS)
TEXTS = {
    "Hello": False,
    "@channel": True,
    "Look, @Channel!": True,
    "somebody@channel.example": False,
    "@channels": False,
    "@here": False,
}
"""Whether each calls everybody in the channel."""

texts = st.sampled_from(sorted(TEXTS))
some = st.integers(0, 1_000)


@dataclass
class Said:
    """What the model knows of a message; its place is its index."""

    id: str
    sender: str
    is_reply: bool
    text: str
    mentioned: frozenset[str]
    is_deleted: bool = False

    def mentions(self, key: str) -> bool:
        return key in self.mentioned or TEXTS[self.text]


@dataclass
class Model:
    """A channel as one who remembers everything has it."""

    said: list[Said] = field(default_factory=list)
    markers: dict[str, int] = field(default_factory=dict)
    """For each member, how many of the messages are read or from before they joined."""

    def counts(self, key: str) -> tuple[int, int]:
        if key not in self.markers:
            return 0, 0
        after = [
            message
            for message in self.said[self.markers[key] :]
            if message.sender != key and not message.is_deleted
        ]
        unread = sum(not message.is_reply for message in after)
        return unread, sum(message.mentions(key) for message in after)


def machine(
    world: World,
    cast: dict[str, Person],
    sockets: dict[str, Socket],
    loop: asyncio.AbstractEventLoop,
) -> type[RuleBasedStateMachine]:
    """The state machine; it runs in a thread of its own and lets the loop do its requests."""

    def wait(doing: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(doing, loop).result(timeout=10)

    def do(key: str, name: str, selection: str | None = None, **arguments: Any) -> Any:
        query = document(name, arguments, selection)
        return wait(sockets[key].run(query, **arguments))[name]

    class Channel(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.model = Model(markers=dict.fromkeys(KEYS, 0))
            others = [cast[key] for key in KEYS[1:]]
            self.id = wait(cast[KEYS[0]].create_channel(*others, isPrivate=False))

        def pick(self, number: int) -> Said:
            return self.model.said[number % len(self.model.said)]

        def send(self, key: str, text: str, mentioned: list[str], root: Said | None) -> None:
            inside = [other for other in dict.fromkeys(mentioned) if other in self.model.markers]
            input = {
                "channelId": self.id,
                "content": text,
                "parentId": root.id if root else None,
                "mentionedUserIds": [cast[other].id for other in inside],
            }
            id = do(key, "sendMessage", input=input)["message"]["id"]
            self.model.said.append(Said(id, key, root is not None, text, frozenset(inside)))

        @rule(key=people, text=texts, mentioned=st.lists(people, max_size=2))
        def say(self, key: str, text: str, mentioned: list[str]) -> None:
            if key in self.model.markers:
                self.send(key, text, mentioned, None)

        @precondition(lambda self: self.model.said)
        @rule(key=people, number=some, text=texts, mentioned=st.lists(people, max_size=2))
        def reply(self, key: str, number: int, text: str, mentioned: list[str]) -> None:
            root = self.pick(number)
            if key in self.model.markers and not root.is_reply:
                self.send(key, text, mentioned, root)

        @precondition(lambda self: self.model.said)
        @rule(number=some, text=texts)
        def edit(self, number: int, text: str) -> None:
            message = self.pick(number)
            if message.sender in self.model.markers and not message.is_deleted:
                do(message.sender, "editMessage", messageId=message.id, content=text)
                message.text = text

        @precondition(lambda self: self.model.said)
        @rule(number=some)
        def delete(self, number: int) -> None:
            message = self.pick(number)
            if message.sender in self.model.markers:
                do(message.sender, "deleteMessage", messageId=message.id)
                message.is_deleted = True

        @rule(key=people, number=st.none() | some)
        def read(self, key: str, number: int | None) -> None:
            if key not in self.model.markers:
                return
            place = len(self.model.said)
            up_to = None
            if number is not None and self.model.said:
                place = number % len(self.model.said) + 1
                up_to = self.model.said[place - 1].id
            do(key, "markRead", channelId=self.id, messageId=up_to)
            self.model.markers[key] = max(self.model.markers[key], place)

        @rule(key=st.sampled_from(KEYS[1:]))
        def come_or_go(self, key: str) -> None:
            if key in self.model.markers:
                do(key, "leaveChannel", channelId=self.id)
                del self.model.markers[key]
            else:
                do(key, "joinChannel", channelId=self.id)
                self.model.markers[key] = len(self.model.said)

        @invariant()
        def every_count_is_right(self) -> None:
            for key in KEYS:
                unread, mentions = self.model.counts(key)
                assert wait(sockets[key].run(COUNTS, id=self.id)) == {
                    "channel": {
                        "unreadCount": unread,
                        "mentionCount": mentions,
                        "memberCount": len(self.model.markers),
                    },
                    "viewer": {
                        "unread": {
                            "messages": unread,
                            "mentions": mentions,
                            "channels": int(unread + mentions > 0),
                        }
                    },
                }, key

        def teardown(self) -> None:
            wait(world.services.database.execute("delete from channels where id = $1", self.id))

    return Channel


async def test_counts_are_those_of_one_who_remembers_everything(world: World) -> None:
    cast = {key: await world.new_person(key.capitalize()) for key in KEYS}
    async with AsyncExitStack() as stack:
        sockets = {
            key: await stack.enter_async_context(person.socket()) for key, person in cast.items()
        }
        lives = machine(world, cast, sockets, asyncio.get_running_loop())
        how = settings(max_examples=10, stateful_step_count=30)
        await asyncio.to_thread(run_state_machine_as_test, lives, settings=how)
