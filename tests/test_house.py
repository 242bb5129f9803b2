"""What import-linter and mypy cannot see of how the house is built."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
ROOMS: list[str] = PYPROJECT["tool"]["importlinter"]["root_packages"]
EXTRAS: dict[str, list[str]] = PYPROJECT["project"]["optional-dependencies"]
GROUPS: dict[str, list[str]] = PYPROJECT["dependency-groups"]


def python_files() -> list[Path]:
    return [file for room in ROOMS for file in (ROOT / room).rglob("*.py")]


def test_only_the_event_log_rings_the_bell() -> None:
    ringing = [
        str(file.relative_to(ROOT)) for file in python_files() if "pg_notify" in file.read_text()
    ]
    assert ringing == ["storage/events.py"]


def test_every_folder_with_code_is_a_package() -> None:
    """Without ``__init__.py`` a folder works from a checkout and is missing once installed."""
    folders = {file.parent for file in python_files()}
    assert not [folder for folder in folders if not (folder / "__init__.py").exists()]


def locked(name: str) -> dict[str, str]:
    """The versions in a lock and in those it builds upon, by normalized name."""
    versions: dict[str, str] = {}
    for line in (ROOT / "requirements" / f"{name}.txt").read_text().splitlines():
        if line.startswith("-r "):
            versions |= locked(Path(line[3:]).stem)
        elif entry := re.match(r"([^ ;=]+)==([^ ;]+)", line):
            versions[canonicalize_name(entry[1])] = entry[2]
    return versions


def needed(name: str) -> list[Requirement]:
    """What pyproject.toml asks for under the name of a lock."""
    if name in GROUPS:
        return [Requirement(text) for text in GROUPS[name]]
    asked = [Requirement(text) for text in PYPROJECT["project"]["dependencies"]]
    for text in EXTRAS.get(name, ()):
        requirement = Requirement(text)
        if requirement.name == PYPROJECT["project"]["name"]:
            for extra in requirement.extras:
                asked += needed(extra)
        else:
            asked.append(requirement)
    return asked


@pytest.mark.parametrize("name", ["runtime", *EXTRAS, *GROUPS])
def test_the_lock_holds_what_is_asked_for(name: str) -> None:
    """If this fails: scripts/lock."""
    versions = locked(name)
    for requirement in needed(name):
        version = versions.get(canonicalize_name(requirement.name))
        assert version is not None, requirement
        assert version in requirement.specifier, requirement


EXTRA_OF_CODE = {"server": "motor", "server/embedded": "demo", "server/demo": "demo"}
"""Folders whose code may import what an extra brings."""


def imported(folder: str) -> dict[str, str]:
    """The packages of others that the code in a folder imports, and one file that does."""
    modules: dict[str, str] = {}
    for file in (ROOT / folder).rglob("*.py"):
        path = file.relative_to(ROOT).as_posix()
        if any(path.startswith(f"{other}/") for other in EXTRA_OF_CODE if len(other) > len(folder)):
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            match node:
                case ast.Import(names):
                    modules |= {alias.name.split(".")[0]: path for alias in names}
                case ast.ImportFrom(str(name)):
                    modules[name.split(".")[0]] = path
    ours = {*sys.stdlib_module_names, *ROOMS}
    return {module: path for module, path in modules.items() if module not in ours}


@pytest.mark.parametrize("folder", sorted({*ROOMS, *EXTRA_OF_CODE}))
def test_what_is_imported_is_asked_for_by_name(folder: str) -> None:
    """What only comes along with another package may stop coming."""
    asked = {canonicalize_name(found.name) for found in needed(EXTRA_OF_CODE.get(folder, ""))}
    providers = packages_distributions()
    wrong = {
        module: path
        for module, path in imported(folder).items()
        if asked.isdisjoint(canonicalize_name(name) for name in providers.get(module, ()))
    }
    assert not wrong


def test_the_build_lock_is_the_build_backend() -> None:
    assert PYPROJECT["build-system"]["requires"] == GROUPS["build"]


def test_locks_name_versions_and_hashes_and_nothing_else() -> None:
    """No index, no address, no folder: where packages come from is the installer's own affair."""
    line = re.compile(
        r"-r \w+\.txt"
        r"|[A-Za-z0-9._-]+==[^ ;]+( ; [^\\]+)? \\"
        r"|    --hash=sha256:[0-9a-f]{64}( \\)?"
    )
    for file in (ROOT / "requirements").iterdir():
        strange = [text for text in file.read_text().splitlines() if not line.fullmatch(text)]
        assert not strange, file.name
