"""The history of a channel as single acts in the order of time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from server.demo.cast import Channel
from server.demo.history import Message


@dataclass(frozen=True, slots=True)
class Joined:
    """The channel was made, and its people came in."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Sent:
    """Somebody said something; ``root`` is what it replies to."""

    at: datetime
    message: Message
    root: Message | None


@dataclass(frozen=True, slots=True)
class Edited:
    """They put it otherwise."""

    at: datetime
    message: Message


@dataclass(frozen=True, slots=True)
class Deleted:
    """They took it back."""

    at: datetime
    message: Message


@dataclass(frozen=True, slots=True)
class Reacted:
    """Somebody reacted to it."""

    at: datetime
    message: Message
    emoji: str
    who: str


@dataclass(frozen=True, slots=True)
class Read:
    """Somebody read up to here; nothing in the log."""

    at: datetime
    message: Message
    who: str


Act = Joined | Sent | Edited | Deleted | Reacted | Read


def acts(channel: Channel, history: list[Message], now: datetime) -> list[Act]:
    """Everything that happened in the channel until now, in order."""
    made = now - timedelta(days=channel.days_old)
    rest = [act for message in history for act in _acts(message, None, now)]
    # Sorting keeps the order of what happened at the same time.
    return [Joined(made), *sorted(rest, key=lambda act: act.at)]


def _acts(message: Message, root: Message | None, now: datetime) -> Iterator[Act]:
    at = message.at.before(now)
    # What follows a message takes part of the time there was for it.
    moment = min(timedelta(minutes=1), (now - at) / 12)
    yield Sent(at, message, root)
    yield Read(at, message, message.who)
    if message.at_first is not None:
        yield Edited(at + moment, message)
    if message.deleted:
        yield Deleted(at + moment, message)
    for number, (emoji, who) in enumerate(message.reactions, 2):
        yield Reacted(at + number * moment, message, emoji, who)
        yield Read(at + number * moment, message, who)
    for who in message.read_by:
        yield Read(at + 11 * moment, message, who)
    for reply in message.replies:
        yield from _acts(reply, message, now)
