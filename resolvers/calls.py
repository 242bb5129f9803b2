"""Whom a text calls: everybody with @channel, and with @here those members who are online when
it is sent.

Who that is, is asked before the channel's lock is taken: nobody waits for it.

A call stands by itself. In addresses, links, names of packages and other names it calls nobody,
and neither does it in code, which is what stands between backticks.
"""

import re

from resolvers.services import Services
from storage import members, reading
from storage.postgres import Transaction
from storage.records import Membership

_CALL = r"(?<![^\W_])(?<![@/.+-])@{}(?!_*[^\W_])(?![@/.-]\w)"
_CHANNEL = re.compile(_CALL.format("channel"), re.IGNORECASE)
_HERE = re.compile(_CALL.format("here"), re.IGNORECASE)
_BACKTICKS = re.compile("(`+)")


def mentions_channel(content: str) -> bool:
    """Whether the text calls everybody in the channel."""
    return _CHANNEL.search(without_code(content)) is not None


def mentions_here(content: str) -> bool:
    """Whether the text calls everybody who is online."""
    return _HERE.search(without_code(content)) is not None


def without_code(content: str) -> str:
    """The text without its code, which begins and ends with as many backticks, as in Markdown.

    In linear time, whatever the text.
    """
    parts = _BACKTICKS.split(content)
    last = {run: place for place, run in enumerate(parts) if place % 2}
    spoken, place = [], 0
    while place < len(parts):
        spoken.append(parts[place])
        if place % 2 and place < last[parts[place]]:
            place = parts.index(parts[place], place + 1)
        place += 1
    return "".join(spoken)


async def online_now(services: Services, access: Membership) -> set[str]:
    """The members who are online."""
    return await services.live.online(await members.ids(services.database, access.channel.id))


async def called(
    transaction: Transaction, channel_id: str, online: set[str] | None
) -> bytes | None:
    """The same as a message keeps it, None for a text that does not call them; the caller holds
    the channel's lock.
    """
    return None if online is None else await reading.called_here(transaction, channel_id, online)
