"""The table: rows as people read them."""

import statistics
from collections.abc import Iterable

from benchmarks.rows import Row

HEAD = ("", "Backchannel", "baselines of the same run (ratio to it)", "to reach", "beside")
RULE = ("---", "---:", "---", "---", "---")


def table(rows: Iterable[Row]) -> str:
    """In Markdown, without the columns that nothing is in."""
    cells = [_cells(row) for row in rows]
    used = [at for at in range(len(HEAD)) if any(line[at] for line in cells)]
    lines = [[line[at] for at in used] for line in (HEAD, RULE, *cells)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def number(figure: float) -> str:
    """Three digits of it, or all of a large one."""
    return f"{figure:,.0f}" if abs(figure) >= 100 else f"{figure:.3g}"


def _cells(row: Row) -> tuple[str, ...]:
    baselines = ", ".join(
        f"{name} {number(statistics.median(figures))} (**{row.ratio(name):.2f}**)"
        for name, figures in row.baselines.items()
    )
    said = {True: "met", False: "missed", None: "not measured"}
    targets = ", ".join(f"{each}: {said[row.meets(each)]}" for each in row.targets)
    beside = ", ".join(f"{name} {what}" for name, what in row.beside.items())
    return row.work, f"{number(row.figure)} {row.unit}", baselines, targets, beside
