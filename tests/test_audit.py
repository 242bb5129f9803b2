"""What scripts/audit takes for clean."""

import runpy
from pathlib import Path
from typing import Any

import pytest

FINDINGS = runpy.run_path(str(Path(__file__).parent.parent / "scripts" / "audit"))["findings"]
CLEAN = {"name": "a", "version": "1.0", "vulns": []}


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
    assert FINDINGS({"dependencies": [CLEAN, package]}) == told
