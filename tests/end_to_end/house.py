"""A channel with something of everything in it, and answers to what is asked wrongly there."""

from dataclasses import dataclass
from typing import Any

from tests.operations import UNKNOWN_ID
from tests.walk import Examples
from tests.world import Person, World

EMOJI = "\U0001f44d"


@dataclass
class House:
    """A public channel of carol's and dave's, and a good value for every argument."""

    channel: str
    message: str
    reply: str
    examples: Examples


async def furnished(world: World) -> House:
    """A new one."""
    channel = await world.carol.create_channel(world.dave, isPrivate=False)
    message = await world.dave.say(channel, "Root", mentionedUserIds=[world.carol.id])
    reply = await world.dave.say(channel, "Reply", parentId=message)
    await world.dave.run(
        "mutation ($id: ID!, $emoji: String!)"
        " { addReaction(messageId: $id, emoji: $emoji) { message { id } } }",
        id=message,
        emoji=EMOJI,
    )
    examples = {
        "channelId": channel,
        "messageId": message,
        "parentId": message,
        "userId": world.dave.id,
        "userIds": world.dave.id,
        "memberIds": world.dave.id,
        "mentionedUserIds": world.dave.id,
        "attachmentIds": [],
        "attachmentId": UNKNOWN_ID,
        "channel.id": channel,
        "message.id": message,
        "user.id": world.dave.id,
        "searchMessages.query": "Root",
        "emoji": EMOJI,
        "mimeType": "application/pdf",
        "ID": channel,
        "String": "A word",
        "Int": 1,
        "Boolean": True,
        "DateTime": "2026-11-20T09:30:00Z",
    }
    return House(channel, message, reply, examples)


async def refused(
    person: Person, query: str, variables: dict[str, Any] | None = None
) -> dict[str, Any] | None:
    """The extensions of the answer's only error; None when it has none and says null instead.

    Whatever was asked, the answer must be sound: well-formed, with a code of
    those that are the client's business and the id of its request.
    """
    response = await person.respond(query, variables)
    assert response.status_code == 200, response.text
    assert "Traceback" not in response.text
    result = response.json()
    errors = result.get("errors", [])
    for error in errors:
        extensions: dict[str, Any] = error["extensions"]
        assert extensions["requestId"] == response.headers["X-Request-Id"]
        assert extensions["code"] in ("BAD_USER_INPUT", "NOT_FOUND", "CONFLICT"), result
    assert len(errors) <= 1, result
    if errors:
        return dict(errors[0]["extensions"])
    # Unknown and invisible are null, for queries.
    assert None in result["data"].values(), result
    return None
