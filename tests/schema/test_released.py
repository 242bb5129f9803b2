"""What was released stays: what would break a client is found, what would not is let through."""

import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import tests
from schema import printed
from schema.released import RELEASED, broken_by

NOW = printed()
ROOT = Path(tests.__file__).parents[1]
RELEASE = runpy.run_path(str(ROOT / "scripts" / "release"))
CHANGELOG = """# Changelog

## [Unreleased]

### Added

- Something.
"""


def test_nothing_that_was_released_is_broken() -> None:
    """If this fails, clients fail: put back what is missing. Only a release renews the file."""
    assert broken_by() == []


def test_the_released_schema_is_whole() -> None:
    """An empty one would let everything through."""
    assert len(RELEASED.read_text()) > 10_000


@pytest.mark.parametrize(
    ("was", "becomes", "change"),
    [
        ("  unreadCount: Int!\n", "", "FIELD_REMOVED: Field Channel.unreadCount"),
        ("unreadCount: Int!", "unreadCount: Int", "FIELD_CHANGED_KIND: Field Channel.unreadCount"),
        (
            "unreadCount: Int!",
            "unreadCount: String!",
            "FIELD_CHANGED_KIND: Field Channel.unreadCount",
        ),
        ("user(id: ID!): User", "user(userId: ID!): User", "ARG_REMOVED: Argument Query.user(id:)"),
        (
            "user(id: ID!): User",
            "user(id: ID!, mustExist: Boolean!): User",
            "REQUIRED_ARG_ADDED: ",
        ),
        ("  SYSTEM\n", "", "VALUE_REMOVED_FROM_ENUM: "),
        ("input CreateUploadInput {", "input CreateUploadInput {\n  must: Int!", "REQUIRED_INPUT"),
        ("type MessageSent implements ChannelEvent", "type MessageSent", "IMPLEMENTED_INTERFACE"),
        ("type MessageRevision", "type Revision", "TYPE_REMOVED: MessageRevision"),
    ],
)
def test_what_would_break_a_client_is_found(was: str, becomes: str, change: str) -> None:
    assert was in NOW
    changed = NOW.replace(was, becomes)
    if change.startswith("TYPE_REMOVED"):
        changed = changed.replace("[MessageRevision!]", "[Revision!]")
    assert any(line.startswith(change) for line in broken_by(changed, NOW))


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("  unreadCount: Int!\n", "  unreadCount: Int!\n  another: Int\n"),
        ("user(id: ID!): User", "user(id: ID!, more: Int): User!"),
        ("  SYSTEM\n", "  SYSTEM\n  ANOTHER\n"),
        ("input CreateUploadInput {", "input CreateUploadInput {\n  may: Int"),
    ],
)
def test_what_only_adds_is_let_through(was: str, becomes: str) -> None:
    assert was in NOW
    assert broken_by(NOW.replace(was, becomes), NOW) == []


def test_the_released_schema_is_of_the_release_that_the_changelog_says() -> None:
    """And so is the version of what is here. `scripts/release` writes all three."""
    last = RELEASE["last_of"]((ROOT / "CHANGELOG.md").read_text())
    first_line = RELEASED.read_text().partition("\n")[0]
    version = re.search(r'^version = "(.*)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version
    if last is None:
        assert first_line.startswith("# Before the first release")
    else:
        assert first_line.startswith(f"# {last}, released on ")
        assert version[1] == last


def test_a_release_is_of_what_is_committed(tmp_path: Path) -> None:
    files = ["CHANGELOG.md", "pyproject.toml", "scripts/release", "schema/schema.graphql"]
    for name in files:
        copy = tmp_path / name
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes((ROOT / name).read_bytes())
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    (tmp_path / "scripts" / "install").write_text("#!/bin/sh\n")
    (tmp_path / "scripts" / "install").chmod(0o755)
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to("/bin/true")  # nothing is broken
    (tmp_path / ".gitignore").write_text(".venv\n")

    def git(*command: str) -> None:
        who = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
        subprocess.run(["git", *who, *command], cwd=tmp_path, check=True, capture_output=True)

    def release(version: str) -> subprocess.CompletedProcess[str]:
        script = tmp_path / "scripts" / "release"
        return subprocess.run([sys.executable, script, version], capture_output=True, text=True)

    git("init")
    assert release("0.2.0").stderr == "Not everything is committed.\n"
    git("add", "--all")
    git("commit", "--message", "All")
    done = release("0.2.0")
    assert done.returncode == 0, done.stderr
    released = (tmp_path / "schema" / "released.graphql").read_text()
    assert released.partition("\n")[2] == (ROOT / "schema" / "schema.graphql").read_text()
    assert released.startswith("# 0.2.0, released on ")
    assert 'version = "0.2.0"' in (tmp_path / "pyproject.toml").read_text()
    assert RELEASE["last_of"]((tmp_path / "CHANGELOG.md").read_text()) == "0.2.0"
    git("add", "--all")
    git("commit", "--message", "Release")
    assert release("0.2.0").stderr == "0.2.0 is not newer than 0.2.0.\n"
    assert release("0.2.1").stderr == "CHANGELOG.md has nothing that is not released yet.\n"


@pytest.mark.parametrize(
    ("last", "next", "may"),
    [
        ((0, 1, 0), (0, 1, 1), False),
        ((0, 1, 0), (0, 2, 0), True),
        ((1, 1, 0), (1, 2, 0), False),
        ((1, 1, 0), (2, 0, 0), True),
    ],
)
def test_a_version_says_whether_clients_may_break(
    last: tuple[int, int, int], next: tuple[int, int, int], may: bool
) -> None:
    assert RELEASE["may_break"](last, next) is may
