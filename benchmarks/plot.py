"""The plot: for each work, what it takes of us and of the others, as bars beside each other.

python -m benchmarks.plot benchmarks/results/RUN.json > docs/images/performance.svg
"""

import json
import sys
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from benchmarks.table import number

WIDTH, LEFT, RIGHT = 860, 330, 130
BAR, GAP = 16, 22
OURS, THEIRS, INK = "#3b6fd4", "#b9c0cc", "#333a45"


def plot(rows: Sequence[dict[str, Any]]) -> str:
    """An SVG picture. Bars of one work share a scale; works do not: their units differ."""
    parts: list[str] = []
    y = 12
    for row in (each for each in rows if each["baselines"]):
        bars = [("Backchannel", row["median"], OURS)]
        bars += [(name, each["median"], THEIRS) for name, each in row["baselines"].items()]
        longest = max(figure for _, figure, _ in bars) or 1
        parts.append(_text(0, y + 12, f"{row['work']}, {row['unit']}", weight="600"))
        y += 20
        for name, figure, colour in bars:
            width = max(1.0, figure / longest * (WIDTH - LEFT - RIGHT))
            parts.append(_text(LEFT - 8, y + 12, name, anchor="end"))
            parts.append(
                f'<rect x="{LEFT}" y="{y}" width="{width:.1f}" height="{BAR}" fill="{colour}"/>'
            )
            parts.append(_text(LEFT + width + 6, y + 12, number(figure)))
            y += BAR + 3
        y += GAP
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" width="{WIDTH}"'
        f' height="{y}" font-family="sans-serif" font-size="12" fill="{INK}">\n'
        '<rect width="100%" height="100%" fill="#fff"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _text(x: float, y: float, text: str, *, anchor: str = "start", weight: str = "400") -> str:
    return (
        f'<text x="{x:.0f}" y="{y}" text-anchor="{anchor}" font-weight="{weight}">'
        f"{escape(text)}</text>"
    )


if __name__ == "__main__":
    print(plot(json.loads(Path(sys.argv[1]).read_text())["rows"]), end="")
