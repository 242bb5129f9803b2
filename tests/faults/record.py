"""The record of a test: every call and every delivery, with its outcome; and its one checker."""

import itertools
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class Outcome(StrEnum):
    """What a caller knows about a call."""

    OK = "ok"
    REFUSED = "refused"
    """It was certainly not done."""
    UNKNOWN = "unknown"
    """No answer, or one that leaves open whether it was done."""


@dataclass
class Call:
    """A message somebody wanted to send; what it says is its own client id."""

    client_id: str
    sender: str
    sent_at: float
    outcome: Outcome = Outcome.UNKNOWN
    code: str | None = None
    message_id: str | None = None
    answered_at: float = 0.0
    attempts: int = 1


class Delivery(NamedTuple):
    """An event that reached a subscriber."""

    position: int
    kind: str
    message_id: str | None
    content: str | None
    at: float


@dataclass
class Heard:
    """What one subscriber was given, over all its connections."""

    name: str
    start: int
    """The position of the cursor it began with."""
    deliveries: list[Delivery] = field(default_factory=list)
    stays: bool = True
    """False for one who left on purpose: it has no claim to what came later."""

    said: set[str] = field(default_factory=set)
    """The client ids of the messages among them."""

    def take(self, delivery: Delivery) -> None:
        """Note one more."""
        self.deliveries.append(delivery)
        if delivery.content is not None:
            self.said.add(delivery.content)

    @property
    def position(self) -> int:
        """The last event it was given."""
        return self.deliveries[-1].position if self.deliveries else self.start


class Truth(NamedTuple):
    """What PostgreSQL says about the channel afterwards."""

    head: int
    messages: dict[int, tuple[str, str]]
    """Message id and content by position."""


class Row(NamedTuple):
    """A line of the table that the full run prints."""

    fault: str
    times: int
    acknowledged: int
    delivered: int
    lost: int
    doubled: int
    out_of_order: int
    gap: float


@dataclass
class Record:
    """Everything that happened to one channel."""

    calls: dict[str, Call] = field(default_factory=dict)
    heard: list[Heard] = field(default_factory=list)

    def acknowledged(self) -> list[Call]:
        """The messages their senders know to be there."""
        return [call for call in self.calls.values() if call.outcome is Outcome.OK]

    def check(self, fault: str, times: int, truth: Truth) -> Row:
        """Hold the record against what is promised; the line for the table.

        Raises AssertionError, naming the first thing that is wrong.
        """
        row = self._row(fault, times, truth)
        acknowledged = self.acknowledged()
        assert acknowledged, "nothing was acknowledged, so nothing was shown"
        stored = {content: id for id, content in truth.messages.values()}
        assert len(stored) == len(truth.messages), "a message is there twice"
        for call in acknowledged:
            assert stored.get(call.client_id) == call.message_id, f"not stored: {call}"
        for call in self.calls.values():
            if call.outcome is Outcome.REFUSED:
                assert call.client_id not in stored, f"refused, yet there: {call}"
        assert any(heard.stays for heard in self.heard), "nobody listened"
        for heard in self.heard:
            self._check_one(heard, truth)
        assert (row.lost, row.doubled, row.out_of_order) == (0, 0, 0), row
        return row

    def _check_one(self, heard: Heard, truth: Truth) -> None:
        positions = [delivery.position for delivery in heard.deliveries]
        last = truth.head if heard.stays else heard.position
        assert positions == list(range(heard.start + 1, last + 1)), f"{heard.name}: {positions}"
        got = {
            delivery.position: (delivery.message_id, delivery.content)
            for delivery in heard.deliveries
            if delivery.kind == "MessageSent"
        }
        due = {at: what for at, what in truth.messages.items() if heard.start < at <= last}
        assert got == due, heard.name

    def _row(self, fault: str, times: int, truth: Truth) -> Row:
        acknowledged = {call.client_id for call in self.acknowledged()}
        at = {content: position for position, (_, content) in truth.messages.items()}
        lost = doubled = out_of_order = delivered = 0
        gap = 0.0
        for heard in self.heard:
            said = [delivery for delivery in heard.deliveries if delivery.content is not None]
            counts = Counter(delivery.content for delivery in said)
            delivered += len(said)
            doubled += sum(count - 1 for count in counts.values())
            if heard.stays:
                due = {one for one in acknowledged if at.get(one, 0) > heard.start}
                lost += len(due - set(counts))
            for one, next in itertools.pairwise(heard.deliveries):
                out_of_order += next.position <= one.position
                gap = max(gap, next.at - one.at)
        return Row(fault, times, len(acknowledged), delivered, lost, doubled, out_of_order, gap)


def table(rows: list[Row]) -> str:
    """The rows in Markdown."""
    titles = ("fault", "times", "acknowledged", "delivered", "lost", "doubled")
    lines = [
        f"| {' | '.join((*titles, 'out of order', 'longest gap, s'))} |",
        f"| --- |{' ---: |' * 7}",
    ]
    lines += [f"| {' | '.join([*map(str, row[:-1]), f'{row.gap:.2f}'])} |" for row in rows]
    return "\n".join(lines)
