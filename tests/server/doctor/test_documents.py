"""The doctor on trusted documents: what a frontend was built for that is not here."""

import json
from pathlib import Path

from server.doctor.documents import MOST_LINES, check_documents
from server.doctor.report import Finding, Report
from tests.world import World

GOOD = "query Good { viewer { user { id } } }"


async def findings(world: World, documents: dict[str, str], folder: Path) -> list[Finding]:
    file = folder / "documents.json"
    file.write_text(json.dumps(documents))
    report = Report("Documents")
    await check_documents(world.settings.model_copy(update={"trusted_documents": file}), report)
    return report.findings


async def test_without_a_file_there_is_nothing_to_remark(world: World) -> None:
    report = Report("Documents")
    await check_documents(world.settings, report)
    assert [finding.level for finding in report.findings] == ["ok"]


async def test_documents_that_can_all_be_run_are_counted(world: World, tmp_path: Path) -> None:
    (finding,) = await findings(world, {"a": GOOD, "b": GOOD}, tmp_path)
    assert finding == Finding("Documents", "ok", "2 are trusted, and all of them can be run")


async def test_each_that_cannot_be_run_is_named_with_the_reason(
    world: World, tmp_path: Path
) -> None:
    deep = "{ viewer " + "{ viewer " * 40 + "}" * 41
    wrong = {"good": GOOD, "old": "{ viewer { removed } }", "torn": "{", "deep": deep}
    found = await findings(world, wrong, tmp_path)
    assert [(each.level, each.line.partition(" ")[0]) for each in found] == [
        ("problem", "old"),
        ("problem", "torn"),
        ("problem", "deep"),
    ]
    assert "Cannot query field 'removed'" in found[0].line
    assert all(each.line.endswith("(BACKCHANNEL_TRUSTED_DOCUMENTS)") for each in found)


async def test_of_many_that_cannot_be_run_a_few_are_named(world: World, tmp_path: Path) -> None:
    wrong = {str(number): "{ removed }" for number in range(100)}
    assert len(await findings(world, wrong, tmp_path)) == MOST_LINES
