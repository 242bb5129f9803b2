"""What a benchmark finds out: figures of several rounds, and how they stand to a baseline's."""

import statistics
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Effort:
    """How long to measure."""

    rounds: int = 7
    """Of every contender, in turns."""
    scale: float = 1.0
    """Of the work in each."""

    def times(self, count: int) -> int:
        """So many of something in one round."""
        return max(1, round(count * self.scale))


QUICK = Effort(rounds=3, scale=0.2)


@dataclass(frozen=True)
class Target:
    """What the ratio to a baseline is to be."""

    baseline: str
    ratio: float
    at_least: bool = False
    """Where more is better."""

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.ratio:g} × {self.baseline}"


@dataclass(frozen=True)
class Row:
    """One work, done by us and by others in turns."""

    part: str
    work: str
    unit: str
    ours: Sequence[float]
    """A figure a round."""
    baselines: Mapping[str, Sequence[float]] = field(default_factory=dict)
    targets: Sequence[Target] = ()
    beside: Mapping[str, str] = field(default_factory=dict)
    """What else was noticed, as it is to be read: latencies, memory, why a baseline is missing."""

    @property
    def figure(self) -> float:
        return statistics.median(self.ours)

    def ratio(self, baseline: str) -> float:
        """The median over the rounds: what disturbs one disturbs both of its figures."""
        return statistics.median(
            mine / theirs for mine, theirs in zip(self.ours, self.baselines[baseline], strict=True)
        )

    def meets(self, target: Target) -> bool | None:
        """None where the baseline was not there."""
        if target.baseline not in self.baselines:
            return None
        ratio = self.ratio(target.baseline)
        return ratio >= target.ratio if target.at_least else ratio <= target.ratio

    def as_json(self) -> dict[str, Any]:
        """For the results that are kept."""
        return {
            **asdict(self),
            "ours": _rounded(self.ours),
            "median": self.figure,
            "baselines": {
                name: {
                    "median": statistics.median(figures),
                    "ratio": self.ratio(name),
                    "rounds": _rounded(figures),
                }
                for name, figures in self.baselines.items()
            },
            "targets": [{"target": str(each), "met": self.meets(each)} for each in self.targets],
        }


def _rounded(figures: Sequence[float]) -> list[float]:
    return [float(f"{figure:.6g}") for figure in figures]


Work = Callable[[], Awaitable[float]]
"""One round of one contender: does the work and answers with the figure."""


async def in_turns(effort: Effort, works: Mapping[str, Work]) -> dict[str, list[float]]:
    """A round of each, again and again; the first one only warms up."""
    figures: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(effort.rounds + 1):
        for name, work in works.items():
            figure = await work()
            if turn:
                figures[name].append(figure)
    return figures
