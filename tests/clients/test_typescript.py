"""The example in TypeScript: its types are made from our schema, and hold against our server."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

import tests
from server.manifests import read_manifest
from tests.clients.node import installed, running
from tests.world import World

EXAMPLE = Path(tests.__file__).parents[1] / "examples" / "typescript"

pytestmark = pytest.mark.timeout(300)
"""The packages may have to be fetched."""


WRONG = "wrong.ts"


@dataclass(frozen=True)
class Built:
    """The example, generated and compiled, beside a file with something wrong in it."""

    folder: Path
    complaints: list[str]


@pytest.fixture(scope="module")
def built() -> Built:
    folder = installed(EXAMPLE)
    done = run(folder, "graphql-codegen")
    assert done.returncode == 0, done.stdout + done.stderr
    main = (folder / "src" / "main.ts").read_text()
    wrong = folder / "src" / WRONG
    try:
        wrong.write_text(main.replace("event.message.content ===", "event.message.text ==="))
        # Once for both: the compiler looks at every file and writes what it makes of each.
        done = run(folder, "tsc", "--pretty", "false")
    finally:
        wrong.unlink()
    return Built(folder, done.stdout.splitlines())


def run(folder: Path, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = folder / "node_modules" / ".bin" / command
    return subprocess.run([program, *arguments], cwd=folder, capture_output=True, text=True)


def test_it_compiles_and_a_wrong_type_does_not(built: Built) -> None:
    """What is generated means something: otherwise everything would compile."""
    (complaint,) = (line for line in built.complaints if not line.startswith(" "))
    assert complaint.startswith(f"src/{WRONG}(")
    assert "Property 'text' does not exist" in complaint


async def test_it_runs_where_only_its_own_documents_are_run(world: World, built: Built) -> None:
    documents = built.folder / "src" / "gql" / "persisted-documents.json"
    assert len(read_manifest(documents)) == 3
    person = await world.new_person("Tia Typed")
    channel = await world.carol.create_channel(person)
    async with world.another_server(
        trusted_documents=documents, trusted_documents_only=True
    ) as server:
        url = f"http://127.0.0.1:{server.port}/graphql"
        asked = {"URL": url, "TOKEN": person.token, "TRUSTED": "yes"}
        async with running(built.folder, "dist/main.js", **asked) as program:
            assert await program.line() == "Tia Typed: Hello from Tia Typed"
            await world.carol.say(channel, "Goodbye")
            assert await program.line() == "Carol Clark: Goodbye"
            assert await program.process.wait() == 0
