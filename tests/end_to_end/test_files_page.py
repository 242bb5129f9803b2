"""What docs/files.md tells people to do is done here, as it stands there."""

import asyncio
import base64
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.files import PDF, download, picture
from tests.world import World

pytestmark = pytest.mark.usefixtures("room_for_uploads")

PAGE = (Path(__file__).parents[2] / "docs" / "files.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    """The examples in this language."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_what_is_to_be_pasted_into_aws_is_json() -> None:
    ours, bucket, cors = (json.loads(block) for block in blocks("json"))
    assert {action for each in ours["Statement"] for action in each["Action"]} >= {"s3:PutObject"}
    assert [each["Effect"] for each in bucket["Statement"]] == ["Deny", "Deny"]
    assert "POST" in cors[0]["AllowedMethods"]


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="needs curl and jq")
async def test_the_example_for_the_shell_works(world: World, tmp_path: Path) -> None:
    file = tmp_path / "Übersicht; 100%.pdf"
    file.write_bytes(PDF)
    answer = await said_by(world, "bash", "-euo", "pipefail", "-c", blocks("sh")[0], FILE=str(file))
    response = await download(answer["data"]["completeUpload"]["attachment"]["url"])
    assert response.content == PDF
    assert "%C3%9Cbersicht" in response.headers["Content-Disposition"]


@pytest.mark.skipif(not shutil.which("node"), reason="needs node")
async def test_the_example_for_browsers_works(world: World) -> None:
    """In Node, which has what it uses: fetch, FormData and File."""
    answer = await said_by(world, "node", "-e", blocks("js")[0] + USE)
    assert (answer["width"], answer["height"]) == (64, 48)
    assert (await download(answer["url"])).content == picture()
    assert (await download(answer["thumbnailUrl"])).status_code == 200


USE = """
const { File } = require("node:buffer")
async function graphql(query, variables) {
  const { SERVER, TOKEN } = process.env
  const headers = { "Content-Type": "application/json", Authorization: `Bearer ${TOKEN}` }
  const body = JSON.stringify({ query, variables })
  const answer = await (await fetch(`${SERVER}/graphql`, { method: "POST", headers, body })).json()
  if (answer.errors) throw new Error(answer.errors[0].message)
  return answer.data
}
const content = Buffer.from(process.env.PICTURE, "base64")
const file = new File([content], "a.png", { type: "image/png" })
upload(file, process.env.CHANNEL).then((found) => console.log(JSON.stringify(found)))
"""


async def said_by(world: World, *command: str, **environment: str) -> Any:
    """What a program prints that is told where the server is and who it is for, as JSON."""
    process = await asyncio.create_subprocess_exec(
        *command,
        env={
            **os.environ,
            "SERVER": f"http://127.0.0.1:{world.port}",
            "TOKEN": world.carol.token,
            "CHANNEL": await world.carol.create_channel(),
            "PICTURE": base64.b64encode(picture()).decode(),
            **environment,
        },
        stdout=asyncio.subprocess.PIPE,
    )
    answer, _ = await process.communicate()
    assert process.returncode == 0
    return json.loads(answer)
