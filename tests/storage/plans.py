"""What PostgreSQL does for a statement: which indexes it walks and how many pages it touches."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

import asyncpg

from storage.sight import TELL, Role, Sight


@dataclass
class Plan:
    """One execution of a statement."""

    root: dict[str, Any]

    @property
    def buffers(self) -> int:
        """Pages of 8 kB that were looked at, in memory or not: what its time grows with."""
        return int(self.root["Shared Hit Blocks"]) + int(self.root["Shared Read Blocks"])

    @property
    def nodes(self) -> list[dict[str, Any]]:
        """Every step that was taken: some are for questions that did not come up."""
        return [node for node in _nodes(self.root) if node["Actual Loops"]]

    @property
    def scanned(self) -> set[str]:
        """The tables that were read from their beginning to their end."""
        return {node["Relation Name"] for node in self.nodes if node["Node Type"] == "Seq Scan"}

    @property
    def indexes(self) -> set[str]:
        """The indexes that were used."""
        return {node["Index Name"] for node in self.nodes if "Index Name" in node}

    @property
    def sorted(self) -> int:
        """How many rows had to be sorted."""
        return sum(node["Actual Rows"] for node in self.nodes if node["Node Type"] == "Sort")

    @property
    def discarded(self) -> int:
        """How many rows were read and not wanted."""
        return sum(node.get("Rows Removed by Filter", 0) for node in self.nodes)

    @classmethod
    async def of(
        cls,
        connection: asyncpg.Connection,
        statement: str,
        *args: Any,
        generic: bool,
        role: Role,
        sight: Sight | None = None,
    ) -> Self:
        """Run the statement as it is run in service, and take it back.

        PostgreSQL plans a prepared statement for its arguments the first few
        times and may then plan it once for all (``generic``).
        """
        mode = "force_generic_plan" if generic else "force_custom_plan"
        transaction = connection.transaction()
        await transaction.start()
        try:
            await connection.execute(f"set local plan_cache_mode = {mode}")
            await connection.execute(f"set local role {role.value}")
            if sight:
                await connection.execute(TELL, *sight)
            await connection.execute(f"prepare statement as {statement}")
            values = ", ".join(map(_literal, args))
            explained = await connection.fetchval(
                f"explain (analyze, buffers, timing off, format json) execute statement ({values})"
            )
            return cls(json.loads(explained)[0]["Plan"])
        finally:
            await transaction.rollback()
            await connection.execute("deallocate statement")
            await connection.execute("reset all")


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)


def _literal(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool | int):
        return str(value).lower()
    if isinstance(value, list):
        return "'{" + ",".join(map(str, value)) + "}'"
    if isinstance(value, datetime):
        value = value.isoformat()
    assert isinstance(value, str)
    return "'" + value.replace("'", "''") + "'"
