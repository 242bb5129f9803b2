"""The example in TypeScript: its types are made from our schema, and hold against our server."""

import subprocess
from pathlib import Path

import pytest

import tests
from server.manifests import read_manifest
from tests.clients.node import installed, running
from tests.world import World

EXAMPLE = Path(tests.__file__).parents[1] / "examples" / "typescript"

pytestmark = pytest.mark.timeout(300)
"""The packages may have to be fetched."""


@pytest.fixture(scope="module")
def built() -> Path:
    """The example, generated and compiled."""
    folder = installed(EXAMPLE)
    for command in (["graphql-codegen"], ["tsc"]):
        program = folder / "node_modules" / ".bin" / command[0]
        done = subprocess.run([program, *command[1:]], cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_a_wrong_type_does_not_compile(built: Path) -> None:
    """What is generated means something: otherwise everything would compile."""
    main = (built / "src" / "main.ts").read_text()
    wrong = main.replace("event.message.content ===", "event.message.text ===")
    file = built / "src" / "wrong.ts"
    try:
        file.write_text(wrong)
        tsc = built / "node_modules" / ".bin" / "tsc"
        done = subprocess.run([tsc, "--noEmit"], cwd=built, capture_output=True, text=True)
    finally:
        file.unlink()
    assert done.returncode != 0
    assert "Property 'text' does not exist" in done.stdout


async def test_it_runs_where_only_its_own_documents_are_run(world: World, built: Path) -> None:
    documents = built / "src" / "gql" / "persisted-documents.json"
    assert len(read_manifest(documents)) == 3
    person = await world.new_person("Tia Typed")
    channel = await world.carol.create_channel(person)
    async with world.another_server(
        trusted_documents=documents, trusted_documents_only=True
    ) as server:
        url = f"http://127.0.0.1:{server.port}/graphql"
        asked = {"URL": url, "TOKEN": person.token, "TRUSTED": "yes"}
        async with running(built, "dist/main.js", **asked) as program:
            assert await program.line() == "Tia Typed: Hello from Tia Typed"
            await world.carol.say(channel, "Goodbye")
            assert await program.line() == "Carol Clark: Goodbye"
            assert await program.process.wait() == 0
