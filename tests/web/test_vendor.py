"""GraphiQL's files are what npm has, and what the README says."""

import hashlib
import json
import re
from pathlib import Path

import pytest

WEB = Path(__file__).parents[2] / "web"
VENDOR = WEB / "graphiql" / "vendor"
FILES = json.loads((VENDOR / "files.json").read_text())


@pytest.mark.parametrize("entry", FILES, ids=lambda entry: entry["file"])
def test_file_has_its_recorded_hash(entry: dict[str, str]) -> None:
    body = (VENDOR / entry["file"]).read_bytes()
    assert hashlib.sha256(body).hexdigest() == entry["sha256"]


def test_every_file_is_recorded_and_used() -> None:
    recorded = {entry["file"] for entry in FILES}
    present = {path.name for path in VENDOR.iterdir() if path.suffix in {".js", ".css"}}
    page = (WEB / "graphiql" / "index.html").read_text()
    used = {name for name in recorded if f'"graphiql/assets/{name}"' in page}
    assert recorded == present == used


def test_readme_tells_the_same() -> None:
    rows = re.findall(
        r"^\| (\S+) \| (\S+) \| `([0-9a-f]{64})` \|$", (WEB / "README.md").read_text(), re.MULTILINE
    )
    assert rows == [(entry["file"], entry["package"], entry["sha256"]) for entry in FILES]
