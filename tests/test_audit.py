"""What scripts/audit takes for clean."""

import re
import runpy
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
AUDIT = runpy.run_path(str(ROOT / "scripts" / "audit"))
CLEAN = {"name": "a", "version": "1.0", "vulns": []}
LOCK = """-r runtime.txt
a==1.0 \\
    --hash=sha256:0123 \\
    --hash=sha256:4567
b-c==2.0 ; sys_platform == 'win32' and python_version < '3.13' \\
    --hash=sha256:89ab
"""


@pytest.mark.parametrize(
    ("package", "told"),
    [
        (CLEAN, []),
        ({"name": "b", "skip_reason": "not found"}, ["b: not audited: not found"]),
        (
            {
                "name": "c",
                "version": "1.0",
                "vulns": [
                    {"id": "CVE-1", "fix_versions": ["1.1"]},
                    {"id": "X", "fix_versions": []},
                ],
            },
            ["c 1.0: CVE-1, mended in 1.1", "c 1.0: X, mended in no version"],
        ),
    ],
)
def test_what_is_vulnerable_or_was_passed_over_is_told(
    package: dict[str, Any], told: list[str]
) -> None:
    assert AUDIT["findings"]("a==1.0", {"dependencies": [CLEAN, package]}) == told


def test_what_is_for_other_systems_is_asked_about_too() -> None:
    packages = AUDIT["for_every_platform"](LOCK)
    assert packages == LOCK.replace("-r runtime.txt\n", "").replace(
        " ; sys_platform == 'win32' and python_version < '3.13'", ""
    )
    assert AUDIT["findings"](packages, {"dependencies": [CLEAN]}) == [
        "b-c: not audited: passed over"
    ]


def test_every_package_of_every_lock_is_asked_about_whatever_it_is_for() -> None:
    for lock in (ROOT / "requirements").glob("*.txt"):
        text = lock.read_text()
        names = [line.partition("==")[0] for line in text.splitlines() if line[0].isalnum()]
        asked = re.findall(r"^(\S+)==\S+ \\$", AUDIT["for_every_platform"](text), re.MULTILINE)
        assert asked == names
