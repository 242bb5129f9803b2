"""What is true of every statement."""

import re
from pathlib import Path

import storage

OFFSET = re.compile(r"\boffset\b", re.IGNORECASE)
SQL = [*Path(storage.__file__).parent.glob("*.py")]


def test_nothing_is_paged_by_offset() -> None:
    assert any("limit $" in file.read_text() for file in SQL)
    assert [file.name for file in SQL if OFFSET.search(file.read_text())] == []
