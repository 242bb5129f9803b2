"""What every user of the database may hear: that something has moved, and nothing of what it is."""

import asyncpg

from storage import events
from storage.events import Moved, Typed
from tests.end_to_end.house import EMOJI, furnished
from tests.operations import do
from tests.walk import root_fields, whole
from tests.world import World, until

LAST = "01900000-0000-7000-8000-00000000ffff"


async def test_whatever_is_done_notify_carries_no_word_of_it(world: World) -> None:
    person = await world.new_person("Hushed Person")
    house = await furnished(world)
    channel = await person.create_channel(world.dave, name="Hushed channel", topic="Hushed topic")
    message = await person.say(channel, "A hushed word", mentionedUserIds=[world.dave.id])
    examples = house.examples | {"String": "hushed", "emoji": EMOJI, "userIds": world.dave.id}
    examples |= dict.fromkeys(("channelId", "channel.id", "ID"), channel)
    examples |= dict.fromkeys(("messageId", "message.id", "parentId"), message)
    examples |= {"mentionedUserIds": []}
    heard: list[str] = []

    def hear(_: object, __: object, ___: object, payload: object) -> None:
        heard.append(str(payload))

    connection = await asyncpg.connect(world.settings.bell)
    try:
        await connection.add_listener(events.NOTIFY_CHANNEL, hear)
        done = set()
        # What ends others comes last.
        ending = ["removeReaction", "deleteMessage", "leaveChannel", "archiveChannel"]
        names = [name for name in root_fields("mutation") if name not in ending]
        for name in names + ending:
            result = await person.post(whole("mutation", name, examples))
            done |= {name} if not result.get("errors") else set()
        await do(person, "setStatus", "{ status }", text="hushed", emoji=EMOJI)
        assert {"sendMessage", "editMessage", "addReaction", "setTyping", "deleteMessage"} <= done
        world.services.live.bell.ring(Moved(LAST, 1))
        await until(lambda: any(LAST in payload for payload in heard))
    finally:
        await connection.close()
    told = [hint for payload in heard for hint in events.heard(payload)]
    assert {Moved, Typed} <= {type(hint) for hint in told}
    assert any(isinstance(hint, Moved) and hint.channel_id == channel for hint in told)
    text = " ".join(heard).lower()
    for word in ("hushed", "channel", "dave", "example.com", EMOJI):
        assert word not in text, word
