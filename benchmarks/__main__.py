"""Measure: everything, or the parts that are named, one after the other."""

import argparse
import asyncio
import json
import os
import platform
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.company import company
from benchmarks.parts import LONG, PARTS, part
from benchmarks.plot import plot
from benchmarks.process import stay_off_the_servers_core
from benchmarks.rows import QUICK, Effort, Row
from benchmarks.table import table

RESULTS = Path(__file__).with_name("results")


async def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument(
        "parts",
        nargs="*",
        metavar="PART",
        help=f"any of {', '.join((*PARTS, *LONG))}; without any, all but the long ones",
    )
    parser.add_argument("--quick", action="store_true", help="a fifth of the work, three rounds")
    given = parser.parse_args()
    names = given.parts or PARTS
    unknown = set(names) - {*PARTS, *LONG}
    if unknown:
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    stay_off_the_servers_core()
    rows: list[Row] = []
    path = RESULTS
    began, commit = datetime.now(UTC), _commit()
    with tempfile.TemporaryDirectory(prefix="backchannel-bench-") as folder:
        for name in names:
            home = Path(folder, name)
            home.mkdir()
            print(f"… {name}", flush=True)
            async with company(home) as measured:
                found = await part(name)(measured, QUICK if given.quick else Effort())
            print(table(found), flush=True)
            rows += found
            # What is known so far: a later part may fail.
            path = keep(rows, began, commit, is_quick=given.quick)
    print(f"kept as benchmarks/results/{path.name} and .svg")


def keep(rows: list[Row], began: datetime, commit: str | None, *, is_quick: bool) -> Path:
    """The run's figures as JSON, and what they look like."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{began:%Y%m%dT%H%M%SZ}{'-quick' if is_quick else ''}.json"
    run: dict[str, Any] = {
        "began": began.isoformat(timespec="seconds"),
        "seconds": round((datetime.now(UTC) - began).total_seconds()),
        "quick": is_quick,
        "commit": commit,
        "machine": {
            "cores": os.cpu_count(),
            "system": platform.platform(),
            "python": platform.python_version(),
            "load": os.getloadavg()[0],
        },
        "rows": [row.as_json() for row in rows],
    }
    path.write_text(json.dumps(run, indent=1, ensure_ascii=False) + "\n")
    path.with_suffix(".svg").write_text(plot(run["rows"]))
    return path


def _commit() -> str | None:
    done = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or None


if __name__ == "__main__":
    asyncio.run(main())
