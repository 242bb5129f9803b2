"""The people whose sidebars are followed here, and what they were told of each place."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from realtime.inbox import Inbox
from storage.events import Head
from storage.records import Own, PlaceRecord, UnreadTotal


class Why(Enum):
    """Why a place is looked at again."""

    OWN = "own"
    """The person's own may have changed; told if it has."""
    QUIET = "quiet"
    """Reactions only; told to those who ask for them."""
    MOVED = "moved"
    """The channel's log has moved on; told in any case."""
    AGAIN = "again"
    """It could not be told before."""


class Told(NamedTuple):
    """What was last told of a place, in little memory: there are very many."""

    messages: int
    mentions: int
    counts: bool
    is_shown: bool
    digest: int
    """Of all that is the person's own there."""

    @classmethod
    def of(cls, place: PlaceRecord) -> "Told":
        """What telling of this place says."""
        return cls(
            place.unread.unread_count,
            place.unread.mention_count,
            not place.member.is_muted,
            place.is_shown,
            hash((place.member, place.unread, place.is_shown)),
        )


@dataclass(slots=True)
class Person:
    """Somebody who follows their sidebar here, on one device or several."""

    id: str
    revision: int | None = None
    """Of what is their own; None until their sidebar was read."""
    places: dict[str, Told] = field(default_factory=dict)
    inboxes: dict[Inbox, None] = field(default_factory=dict)
    expected: set[Inbox] = field(default_factory=set)
    """Those that wait for their snapshot."""
    touched: set[str] = field(default_factory=set)
    """Channels in which something of their own has changed."""
    is_stale: bool = False
    """Something of their own has changed, who knows where."""

    def total(self) -> UnreadTotal:
        """What is unread altogether."""
        return _total(self.places.values())

    @staticmethod
    def total_of(places: list[PlaceRecord]) -> UnreadTotal:
        """What is unread in all these places."""
        return _total(Told.of(place) for place in places)


def _total(places: Iterable[Told]) -> UnreadTotal:
    counted = [told for told in places if told.counts]
    return UnreadTotal(
        sum(told.messages for told in counted),
        sum(told.mentions for told in counted),
        sum(1 for told in counted if told.messages or told.mentions),
    )


@dataclass(slots=True)
class _Channel:
    head: Head
    people: set[str] = field(default_factory=set)


class Followed:
    """Whose sidebars are followed, and which channels for that."""

    def __init__(self) -> None:
        self.people: dict[str, Person] = {}
        self.channels: dict[str, _Channel] = {}

    def expect(self, inbox: Inbox) -> None:
        """This inbox is about to get its snapshot: hints of its person matter from here on."""
        person = self.people.setdefault(inbox.viewer_id, Person(inbox.viewer_id))
        person.expected.add(inbox)

    def begin(self, user_id: str, revision: int, places: list[PlaceRecord]) -> bool:
        """A sidebar was read; False when it is followed already, by another device."""
        person = self.people.get(user_id)
        if person and person.revision is not None:
            return False
        if person:
            person.revision = revision
            for place in places:
                self._keep(person, place)
        return True

    def join(self, inbox: Inbox) -> bool:
        """This inbox has its snapshot and is told every change; False if it left meanwhile."""
        person = self.people.get(inbox.viewer_id)
        if person is None or inbox not in person.expected:
            return False
        person.expected.discard(inbox)
        person.inboxes[inbox] = None
        return True

    def leave(self, inbox: Inbox) -> None:
        """Follow nothing for this inbox any more."""
        person = self.people.get(inbox.viewer_id)
        if person is None:
            return
        person.inboxes.pop(inbox, None)
        person.expected.discard(inbox)
        if not person.inboxes and not person.expected:
            del self.people[person.id]
            for channel_id in list(person.places):
                self._drop(person, channel_id)

    def head(self, channel_id: str) -> Head | None:
        """Up to where a channel was followed; None when it is not."""
        channel = self.channels.get(channel_id)
        return channel.head if channel else None

    def is_behind(self, channel_id: str, position: int) -> bool:
        """Whether the channel is followed, and was not yet up to there."""
        head = self.head(channel_id)
        return head is not None and head.position < position

    def move(self, channel_id: str, head: Head, why: Why) -> list[str]:
        """The channel is followed up to here; answers who is to be told."""
        channel = self.channels.get(channel_id)
        if channel is None:
            return []
        channel.head = head
        return [
            id
            for id in channel.people
            if why is Why.MOVED or any(each.hears_reactions for each in self.people[id].inboxes)
        ]

    def touch(self, hint: Own) -> bool:
        """Note what has changed of a person's own; False when that is nothing new here."""
        person = self.people.get(hint.user_id)
        if person is None:
            return False
        if person.revision is not None:
            if hint.revision <= person.revision:
                return False
            # Who missed a hint does not know where.
            person.is_stale |= hint.revision != person.revision + 1
            person.revision = hint.revision
        person.touched.update(hint.channel_ids)
        return True

    def compare(self, revisions: dict[str, int]) -> bool:
        """Note whose revision is another one than was known; False when nobody's is."""
        stale = [
            person
            for id, person in self.people.items()
            if person.revision not in (None, revisions.get(id, 0))
        ]
        for person in stale:
            person.is_stale = True
        return bool(stale)

    def take_touched(self) -> tuple[list[str], list[tuple[str, str]]]:
        """The people to be compared as a whole, and the places to be looked at; once."""
        whole: list[str] = []
        places: list[tuple[str, str]] = []
        for person in self.people.values():
            if person.is_stale:
                whole.append(person.id)
            else:
                places += ((person.id, channel_id) for channel_id in person.touched)
            person.is_stale = False
            person.touched = set()
        return whole, places

    def give_back(self, user_ids: list[str]) -> None:
        """These people could not be compared."""
        for user_id in user_ids:
            if user_id in self.people:
                self.people[user_id].is_stale = True

    def take(
        self, person: Person, channel_id: str, place: PlaceRecord | None, why: Why
    ) -> bool | None:
        """Note a place as it is now. Answers whether that is to be told to everybody (True), to
        those who ask for reactions (False), or to nobody (None).
        """
        before = person.places.get(channel_id)
        was_shown = why is Why.AGAIN or (before is not None and before.is_shown)
        if place is None:
            self._drop(person, channel_id)
            return True if was_shown else None
        self._keep(person, place)
        if not place.is_shown:
            return None
        if why in (Why.MOVED, Why.AGAIN) or before != Told.of(place):
            return True
        return False if why is Why.QUIET else None

    def _keep(self, person: Person, place: PlaceRecord) -> None:
        channel_id = place.channel.id
        channel = self.channels.get(channel_id)
        if channel is None:
            head = Head(place.channel.epoch, place.channel.position)
            channel = self.channels[channel_id] = _Channel(head)
        channel.people.add(person.id)
        person.places[channel_id] = Told.of(place)

    def _drop(self, person: Person, channel_id: str) -> None:
        person.places.pop(channel_id, None)
        channel = self.channels.get(channel_id)
        if channel:
            channel.people.discard(person.id)
            if not channel.people:
                del self.channels[channel_id]
