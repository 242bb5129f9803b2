"""Put the figures of a run into docs/performance.md, and their picture beside it.

    python -m benchmarks.publish benchmarks/results/RUN.json...

A part of the page begins with ``<!-- part NAME -->`` and ends with ``<!-- end -->``; what is
between them becomes the table of that part, of the last of these runs that has it. The picture
has all of them, and is left alone when a run of searches alone is published.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

from benchmarks.plot import plot
from benchmarks.rows import Row, Target
from benchmarks.table import table

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
PICTURE = PAGE.parent / "images" / "performance.svg"


def main() -> None:
    parts: dict[str, tuple[dict[str, Any], list[dict[str, Any]]]] = {}
    for name in sys.argv[1:]:
        run = json.loads(Path(name).read_text())
        for part in dict.fromkeys(row["part"] for row in run["rows"]):
            parts[part] = (run, [row for row in run["rows"] if row["part"] == part])
    text = PAGE.read_text()
    for part, (run, rows) in parts.items():
        shown = f"{said_of(run)}\n\n{table(map(row_of, rows))}"
        text, count = re.subn(
            f"(<!-- part {part} -->\n).*?(?=<!-- end -->)",
            lambda match, shown=shown: f"{match[1]}\n{shown}\n",  # type: ignore[misc]
            text,
            flags=re.DOTALL,
        )
        if not count:
            print(f"docs/performance.md has no place for {part}")
    PAGE.write_text(text)
    compared = [row for _, rows in parts.values() for row in rows if len(row["baselines"])]
    if len(parts) > 1:
        PICTURE.write_text(plot(compared))


def said_of(run: dict[str, Any]) -> str:
    """When and where."""
    machine = run["machine"]
    return (
        f"{run['began'][:10]}, commit {(run['commit'] or 'unknown')[:9]}, {machine['cores']} cores,"
        f" Python {machine['python']}, load {machine['load']:.1f} at the end."
    )


def row_of(kept: dict[str, Any]) -> Row:
    """What was kept, as it was."""
    targets = []
    for each in kept["targets"]:
        found = re.fullmatch(r"([≤≥]) (\S+) × (.+)", each["target"])
        assert found, each
        targets.append(Target(found[3], float(found[2]), at_least=found[1] == "≥"))
    return Row(
        kept["part"],
        kept["work"],
        kept["unit"],
        kept["ours"],
        {name: each["rounds"] for name, each in kept["baselines"].items()},
        targets,
        kept["beside"],
    )


if __name__ == "__main__":
    main()
