"""A stage with things on it that are not for everybody, and a walk over it as somebody."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from graphql import GraphQLField

from storage.records import ChannelType
from tests.end_to_end.house import EMOJI
from tests.operations import do
from tests.places import MEMBER, OWNER, archive, place, said
from tests.walk import Examples, Place, whole
from tests.world import Person, World

KINDS = ["clara", "ivan", "olga", "bob", "carol", "alice"]
"""A client, an intern, somebody of another team, a support agent, an administrator, and a super
admin; all but alice and olga are in a room with the client."""


@dataclass
class Stage:
    """Where the people are, and what of it is not for everybody."""

    people: dict[str, Person]
    room: str
    project: str
    message: str
    edda: Person
    sid: Person
    hidden: dict[str, list[str]] = field(default_factory=dict)
    """What each of them must not find anywhere, in lower case."""

    def examples(self, **more: Any) -> Examples:
        """A good value for every argument of what goes on in the room."""
        return {
            "channelId": self.room,
            "messageId": self.message,
            "userId": self.people["carol"].id,
            "userIds": self.people["bob"].id,
            "memberIds": self.people["bob"].id,
            "mentionedUserIds": self.people["carol"].id,
            "attachmentIds": [],
            "attachmentId": "01900000-0000-7000-8000-000000000000",
            "channel.id": self.room,
            "message.id": self.message,
            "user.id": self.people["carol"].id,
            "emoji": EMOJI,
            "mimeType": "application/pdf",
            "ID": self.room,
            "String": "word",
            "Int": 1,
            "Boolean": True,
            "DateTime": "2026-11-20T09:30:00Z",
            **more,
        }


async def staged(world: World) -> Stage:
    clara = await world.new_person("Client Clara", isClient=True, role=None)
    edda = await world.new_person("Edda Ex")
    sid = await world.new_person("Sid Silent")
    carol, dave, bob, ivan = world.carol, world.dave, world.bob, world.ivan
    room = await carol.create_channel(dave, bob, ivan, edda, name="A room")
    # Who came and went before the client came: one of them has said something.
    await do(carol, "addMembers", channelId=room, userIds=[sid.id])
    await do(carol, "removeMember", channelId=room, userId=sid.id)
    message = await edda.say(room, "A word of Edda's", mentionedUserIds=[carol.id])
    await do(carol, "removeMember", channelId=room, userId=edda.id)
    await do(carol, "addMembers", channelId=room, userIds=[clara.id])
    await dave.say(room, "A reply", parentId=message)
    await do(carol, "addReaction", messageId=message, emoji=EMOJI)
    # Somebody from outside does something in a channel of the client's.
    project = await place(
        world, ChannelType.PROJECT, (carol, OWNER), (clara, MEMBER), project_id="f" * 24
    )
    await do(world.alice, "addMembers", channelId=project, userIds=[dave.id])
    await do(world.alice, "updateChannel", input={"channelId": project, "topic": "A topic"})
    people = {key: Person(world, key, world.ids[key]) for key in KINDS[1:]} | {"clara": clara}
    stage = Stage(people, room, project, message, edda, sid)
    things = await elsewhere(world)
    strangers = [things.quilla, world.erin, world.grace, world.zoe, world.alice, world.olga]
    words = ["hushed", *things.ids]
    stage.hidden = dict.fromkeys(KINDS, words) | {
        "clara": [
            *words,
            *(person.id for person in strangers),
            # Named where their words are, or their going is told: to be reached nowhere.
            *(f"{gone.id}@" for gone in (edda, sid)),
            *("quilla", "erin evans", "grace green", "zoe gone", "alice adams", "olga other"),
        ]
    }
    return stage


@dataclass
class Elsewhere:
    """What is none of their business."""

    quilla: Person
    ids: list[str]


async def elsewhere(world: World) -> Elsewhere:
    """Private channels of every type, and what people do in them."""
    quilla = await world.new_person("Quilla Quiet")
    both = (quilla, OWNER), (world.erin, MEMBER)
    ids: list[str] = []
    for type in ChannelType:
        channel = await place(world, type, *both, (world.dave, MEMBER), is_private=True)
        if type != ChannelType.DM:
            await world.database.execute(
                "update channels set name = 'Hushed ' || type, topic = 'Hushed topic'"
                " where id = $1",
                channel,
            )
        ids += [channel, await said(world, channel, world.erin)]
        if type != ChannelType.GENERAL:
            ids.append(await quilla.say(channel, "A hushed word", mentionedUserIds=[world.erin.id]))
            await do(world.erin, "setTyping", "", channelId=channel)
    await archive(world, ids[0])
    with_client = await place(world, ChannelType.CLIENT_SUPPORT, *both, (world.grace, MEMBER))
    await world.database.execute(
        "update channels set is_private = true, name = 'Hushed client' where id = $1", with_client
    )
    ids += [with_client, await world.grace.say(with_client, "A hushed cry for help")]
    return Elsewhere(quilla, ids)


async def walked(
    person: Person,
    operation: str,
    name: str,
    examples: Examples,
    given: tuple[Place, Any] | None = None,
    keep: Callable[[GraphQLField], bool] = lambda _: True,
) -> str:
    """What the person is told, but for what is another each time."""
    response = await person.respond(whole(operation, name, examples, given=given, keep=keep))
    text = response.text
    assert '"INTERNAL"' not in text, text
    assert "QUERY_TOO_COMPLEX" not in text, text
    assert "RATE_LIMITED" not in text, text
    text = re.sub(r'"requestId":"[^"]*"', "", text)
    return re.sub(r'\?[^"]*X-Amz-[^"]*', "", text)


def assert_nothing_hidden(stage: Stage, key: str, text: str, *asked: str) -> None:
    """``asked`` is what they said themselves, which errors may repeat."""
    told = text.lower()
    for word in asked:
        told = told.replace(word.lower(), "")
    for word in stage.hidden[key]:
        if word not in asked:
            assert word.lower() not in told, (key, word, text)
