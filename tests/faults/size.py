"""How much of everything: a short form for every run, a full one for scripts/faults."""

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """The numbers of one form."""

    is_full: bool
    slack: float
    """How many times as long as promised everything may take."""
    times: int
    """How often a fault is repeated."""
    load_seconds: float
    """How long messages flow before and after each fault."""
    senders: int
    pace: float
    """Seconds each of them lets pass between its messages."""
    followers: int
    """Subscribers on each server."""
    slow_messages: int
    padding: int
    """Characters of three bytes in each of those."""
    storm: int
    """Subscribers who lose their server at once."""
    racing_sends: int
    leavers: int
    subscriptions: int
    vanishing: int
    """Sockets that vanish without a close."""
    trimmed: int
    """Events older than the log reaches back."""


SHORT = Size(
    is_full=False,
    # Other tests work beside it, and whoever else has the machine.
    slack=4.0,
    times=1,
    load_seconds=0.5,
    senders=4,
    pace=0.05,
    followers=3,
    slow_messages=600,
    padding=3_900,
    storm=500,
    racing_sends=200,
    leavers=8,
    subscriptions=1_000,
    vanishing=50,
    trimmed=2_500,
)
FULL = Size(
    is_full=True,
    slack=1.0,
    times=5,
    load_seconds=3.0,
    senders=8,
    pace=0.02,
    followers=10,
    slow_messages=10_000,
    padding=400,
    storm=5_000,
    racing_sends=1_000,
    leavers=20,
    subscriptions=10_000,
    vanishing=500,
    trimmed=20_000,
)

SIZE = FULL if os.environ.get("BACKCHANNEL_TEST_FAULTS") == "full" else SHORT
