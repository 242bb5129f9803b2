"""How long it takes to start, and how much there is to install."""

import re
import statistics
from collections.abc import Iterator
from importlib.metadata import distribution, distributions
from pathlib import Path

from benchmarks.company import Company
from benchmarks.rows import Effort, Row

ROOT = Path(__file__).parents[1]
ROOMS = ("loaders", "migrations", "realtime", "resolvers", "schema", "server", "storage", "web")


async def rows(company: Company, effort: Effort) -> list[Row]:
    """The process, from its start until it is ready, its database being there already."""
    seconds, memory = [], []
    for turn in range(effort.rounds + 1):
        async with company.backchannel() as backchannel:
            if turn:
                seconds.append(backchannel.ready_after)
                memory.append(backchannel.memory() / 1e6)
    sizes = {name: _size(distribution_files(name)) for name in runtime()}
    largest = sorted(sizes, key=lambda name: -sizes[name])[:3]
    return [
        Row(
            "start",
            "from the start of the process to ready",
            "s",
            seconds,
            beside={"memory then": f"{statistics.median(memory):.0f} MB"},
        ),
        Row(
            "start",
            "what requirements/runtime.txt installs, without bytecode",
            "MB",
            [sum(sizes.values())],
            beside={
                "packages": f"{len(sizes)}",
                "the largest": ", ".join(f"{name} {sizes[name]:.0f}" for name in largest),
                "ourselves": f"{_size(_own()):.1f} MB",
            },
        ),
    ]


def runtime() -> list[str]:
    """The distributions that the product needs."""
    locked = (ROOT / "requirements" / "runtime.txt").read_text()
    names = re.findall(r"^([\w.-]+)==", locked, re.MULTILINE)
    # Some are for other systems.
    return [name for name in names if any(distributions(name=name))]


def distribution_files(name: str) -> Iterator[Path]:
    """What was installed of it."""
    for file in distribution(name).files or ():
        yield Path(str(file.locate()))


def _own() -> Iterator[Path]:
    for room in ROOMS:
        yield from (ROOT / room).rglob("*")


def _size(files: Iterator[Path]) -> float:
    """Megabytes."""
    return sum(f.stat().st_size for f in files if f.suffix != ".pyc" and f.is_file()) / 1e6
