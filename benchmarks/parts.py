"""The parts of a run. A part is a module of ours with ``rows``: a company and an effort in,
what it found out.
"""

from collections.abc import Awaitable, Callable, Sequence
from importlib import import_module

from benchmarks.company import Company
from benchmarks.rows import Effort, Row

Rows = Callable[[Company, Effort], Awaitable[Sequence[Row]]]

PARTS = ("page", "viewer", "send", "live", "delay", "listeners", "idle", "growth", "start")
"""By name, in the order in which they are run."""

LONG = ("search",)
"""Only when asked for: they take many minutes, or gigabytes."""


def part(name: str) -> Rows:
    """What runs it."""
    rows: Rows = import_module(f"benchmarks.{name}").rows
    return rows
