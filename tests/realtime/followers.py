"""A topic, its events and those who follow it, without a server around them."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime

from realtime.cohorts import Cohort, Signal, Subscriber
from realtime.hub import Topic
from realtime.source import Together
from storage.errors import Refusal
from storage.events import Typed
from storage.records import EventKind, EventRecord, MessageRecord
from tests.world import until

CHANNEL = "01900000-0000-7000-8000-000000000000"
NOW = datetime(2026, 11, 20, tzinfo=UTC)


def sent(position: int, content: str = "Hello", *, deleted: bool = False) -> EventRecord:
    return EventRecord(
        channel_id=CHANNEL,
        epoch=1,
        position=position,
        kind=EventKind.MESSAGE_SENT,
        actor_id="carol",
        message_id=f"message {position}",
        user_id=None,
        detail=None,
        occurred_at=NOW,
        message=MessageRecord(
            id=f"message {position}",
            channel_id=CHANNEL,
            position=position,
            ordinal=position,
            sender_id="carol",
            content="" if deleted else content,
            content_type="TEXT",
            parent_id=None,
            reply_count=0,
            client_message_id=None,
            created_at=NOW,
            edited_at=None,
            deleted_at=NOW if deleted else None,
            pinned_at=None,
        ),
    )


def happened(position: int, kind: EventKind, user: str | None, detail: str = "") -> EventRecord:
    return sent(position)._replace(kind=kind, user_id=user, detail=detail or None, message=None)


@dataclass
class Rendering:
    """Renders what was said, when it is told to."""

    open: asyncio.Event = field(default_factory=asyncio.Event)
    begun: list[Signal] = field(default_factory=list)
    fails: Exception | None = None

    async def __call__(self, signal: Signal, _: Together) -> bytes | None:
        self.begun.append(signal)
        await self.open.wait()
        if self.fails:
            raise self.fails
        if isinstance(signal, Typed):
            return f"{signal.user_id} types".encode()
        assert isinstance(signal, EventRecord)
        return signal.message.content.encode() if signal.message else None

    async def has_begun(self, count: int = 1) -> None:
        await until(lambda: len(self.begun) == count)


class Follower:
    """Somebody in a topic, who leaves it when they are sent away, as operations do."""

    def __init__(
        self,
        topic: Topic,
        cohort: Cohort,
        viewer: str = "dave",
        *,
        at: int = 0,
        granted: int = 0,
        is_guest: bool = False,
    ) -> None:
        self.got: list[bytes] = []
        self.refusal: Refusal | None = None
        self.subscriber = Subscriber(
            viewer, cohort, self, position=at, granted_at=granted, is_guest=is_guest
        )
        cohort.subscribers.add(self.subscriber)
        topic.position = at if topic.position is None else topic.position

    def send(self, payload: bytes, signal: object) -> None:
        self.got.append(payload)

    def end(self, reason: Refusal) -> None:
        self.refusal = reason
        self.leave()

    async def ready(self) -> None: ...

    def leave(self) -> None:
        self.subscriber.cohort.subscribers.discard(self.subscriber)


async def given_out(topic: Topic) -> None:
    await until(lambda: topic._pump is None)
