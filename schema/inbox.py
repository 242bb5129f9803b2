"""The viewer's sidebar, as the subscription to it tells it."""

from __future__ import annotations

from typing import Annotated, Any

import strawberry

from realtime import inbox as told
from schema.channel import Channel, people_of, shown
from schema.context import Info
from schema.fields import resolved, selected
from schema.query import UnreadSummary
from storage.records import ChannelRecord, Membership, PlaceRecord


def _shown(info: Info, place: PlaceRecord) -> ChannelRecord:
    info.context.loaders.unread_by_channel.prime(place.channel.id, place.unread)
    return shown(info, Membership(place.channel, place.member))


async def _channels(
    snapshot: strawberry.Parent[told.InboxSnapshot], info: Info
) -> list[ChannelRecord]:
    loaders = info.context.loaders
    last = []
    if "lastMessage" in selected(info):
        ids = [id for place in snapshot.places if (id := place.channel.last_message_id)]
        last = [found for found in await loaders.message_by_id.read_ahead(ids) if found]
    people = people_of((place.member for place in snapshot.places), selected(info, "membership"))
    await loaders.prepare(last, selected(info, "lastMessage"), people)
    return [_shown(info, place) for place in snapshot.places]


def _channel(change: strawberry.Parent[told.InboxChannelChanged], info: Info) -> ChannelRecord:
    return _shown(info, change.place)


@strawberry.type
class InboxSnapshot:
    channels: list[Channel] = resolved(_channels, list[Channel])
    unread: UnreadSummary

    @classmethod
    def is_type_of(cls, signal: Any, _: Any) -> bool:
        """Which of an inbox's signals it is."""
        return isinstance(signal, told.InboxSnapshot)


@strawberry.type(
    description="A channel is new to the viewer, or its counts, last message or preferences "
    "changed."
)
class InboxChannelChanged:
    channel: Channel = resolved(_channel, Channel)
    unread: UnreadSummary

    @classmethod
    def is_type_of(cls, signal: Any, _: Any) -> bool:
        """Which of an inbox's signals it is."""
        return isinstance(signal, told.InboxChannelChanged)


@strawberry.type(description="The viewer left, was removed, or lost access.")
class InboxChannelRemoved:
    channel_id: strawberry.ID
    unread: UnreadSummary

    @classmethod
    def is_type_of(cls, signal: Any, _: Any) -> bool:
        """Which of an inbox's signals it is."""
        return isinstance(signal, told.InboxChannelRemoved)


InboxEvent = Annotated[
    InboxSnapshot | InboxChannelChanged | InboxChannelRemoved, strawberry.union("InboxEvent")
]
