"""What was released stays: the schema of now against that of the last release.

``released.graphql`` is the schema as the last release had it; a release renews it.
Run as a program it says what would break those who wrote their clients for that one.
"""

import sys
from pathlib import Path

from graphql import build_schema, find_breaking_changes

from schema import graphql_schema

RELEASED = Path(__file__).with_name("released.graphql")


def broken_by(now: str | None = None, released: str | None = None) -> list[str]:
    """What clients of ``released`` (by default the last release) would find broken by ``now``
    (by default what is served), a line each.
    """
    old = build_schema(RELEASED.read_text() if released is None else released)
    new = graphql_schema() if now is None else build_schema(now)
    return [
        f"{change.type.name}: {change.description}" for change in find_breaking_changes(old, new)
    ]


if __name__ == "__main__":
    sys.exit("\n".join(broken_by()) or None)
