"""Manifests: the files of trusted documents, as the tools of frontends write them."""

import json
from pathlib import Path

import pytest

from server.manifests import read_manifest

TEXT = "{ __typename }"
APOLLO = {
    "format": "apollo-persisted-query-manifest",
    "version": 1,
    "operations": [{"id": "a", "name": "Name", "type": "query", "body": TEXT}],
}


@pytest.mark.parametrize("content", [{"a": TEXT}, APOLLO], ids=["ids and texts", "Apollo's"])
def test_what_the_tools_write_is_read(tmp_path: Path, content: object) -> None:
    file = tmp_path / "documents.json"
    file.write_text(json.dumps(content))
    assert read_manifest(file) == {"a": TEXT}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "is not JSON"),
        ("[]", "must be an object"),
        ("{}", "has no documents"),
        ('{"a": 5}', "must be an object"),
        ('{"": "{ a }"}', "must be an object"),
        ('{"format": "apollo-persisted-query-manifest"}', "without operations"),
        (
            '{"format": "apollo-persisted-query-manifest", "operations": [{"id": "a"}]}',
            "must be an object",
        ),
    ],
)
def test_what_is_none_says_what_is_wrong_and_not_what_is_in_it(
    tmp_path: Path, content: str, reason: str
) -> None:
    file = tmp_path / "documents.json"
    file.write_text(content)
    with pytest.raises(ValueError, match=reason):
        read_manifest(file)


def test_a_file_that_is_not_there_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be read: No such file"):
        read_manifest(tmp_path / "documents.json")
