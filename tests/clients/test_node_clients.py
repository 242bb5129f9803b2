"""The clients that frontends use do what frontends do, as their documentation has it.

Each asks, changes, is refused, follows, loses its line and comes back where it was.
"""

import json
import re
from pathlib import Path

import pytest

import tests
from server.connection import Close
from tests.clients.node import installed, running
from tests.proxy import Proxy
from tests.world import World

pytestmark = pytest.mark.timeout(300)
"""The packages may have to be fetched."""

BELOW_US = (1002, 1006, 1007, 1009)
"""Codes of WebSockets themselves; 1006 is that of a line that was lost."""
HASHES = {
    "apollo.mjs": ["hash", "text and hash", "hash"],
    "urql.mjs": ["GET hash", "GET text and hash", "GET hash"],
}
"""What goes over the wire for one query, done twice, that nobody has sent before."""


@pytest.fixture(scope="module")
def folder() -> Path:
    """Where the clients are."""
    return installed(Path(__file__).parent)


@pytest.mark.parametrize(
    ("script", "over"),
    [
        ("graphql-ws.mjs", "ws"),
        ("graphql-sse.mjs", "sse"),
        ("apollo.mjs", "ws"),
        ("apollo.mjs", "multipart"),
        ("urql.mjs", "ws"),
        ("urql.mjs", "sse"),
    ],
)
async def test_it_asks_changes_follows_and_comes_back(
    world: World, folder: Path, script: str, over: str
) -> None:
    channel = await world.carol.create_channel(world.dave)
    async with Proxy.to("127.0.0.1", world.port) as line:
        given = {
            "http": f"http://127.0.0.1:{line.port}/graphql",
            "ws": f"ws://127.0.0.1:{line.port}/graphql",
            "token": world.dave.token,
            "channel": channel,
            "other": await world.carol.create_channel(),
            "cursor": await world.dave.cursor(channel),
        }
        async with running(folder, script, json.dumps(given), over) as client:
            assert await client.value("query") == "Dave Davis"
            if script in HASHES:
                assert await client.value("wire") == HASHES[script]
            assert await client.value("mutation") == "mine"
            assert await client.value("refused") == "NOT_FOUND"

            assert await client.value("event") == "mine"
            await world.followed(channel)
            await world.carol.say(channel, "live")
            assert await client.value("event") == "live"

            await line.cut()
            await world.followed(channel, 0)
            for content in ("missed", "missed too"):
                await world.carol.say(channel, content)
            await line.mend()
            came_back: list[tuple[str, str]] = []
            while len(came_back) < 2:
                what, value = await client.tells()
                if what != "lost":
                    came_back.append((what, value))
            assert came_back == [("event", "missed"), ("event", "missed too")]

            await world.followed(channel)
            await world.carol.say(channel, "last")
            assert await client.ends() == [("event", "last")]
    await world.followed(channel, 0)


async def test_a_token_that_ends_is_followed_by_another(world: World, folder: Path) -> None:
    channel = await world.carol.create_channel(world.dave)
    given = {
        "ws": f"ws://127.0.0.1:{world.port}/graphql",
        "tokens": [world.token(world.dave.id, lifetime=6)],
        "token": world.dave.token,
        "channel": channel,
        "cursor": await world.dave.cursor(channel),
    }
    await world.carol.say(channel, "missed")
    async with running(folder, "renewed.mjs", json.dumps(given)) as client:
        # In this order, unless the machine was so busy that the token had ended before.
        told = {await client.tells(), await client.tells()}
        assert told == {("event", "missed"), ("closed", 4403)}
        await world.carol.say(channel, "meanwhile")
        assert await client.value("event") == "meanwhile"
        await world.carol.say(channel, "last")
        assert await client.value("event") == "last"


async def test_codes_say_whether_to_come_back(folder: Path) -> None:
    """What the documentation says of each is what the client does by itself."""
    page = (Path(tests.__file__).parents[1] / "docs" / "clients.md").read_text()
    rows = re.findall(r"^\| (\d{4}) \| .* \| (yes|no)\b.* \|$", page, re.MULTILINE)
    told = [[int(code), says == "yes"] for code, says in rows]
    assert {code for code, _ in told} == {*Close, *BELOW_US}
    codes = json.dumps([code for code, _ in told if code != Close.DONE])
    async with running(folder, "codes.mjs", codes) as client:
        found = [list(each) for each in await client.ends()]
    assert [*found, [Close.DONE, False]] == sorted(told, key=lambda row: row[0] == Close.DONE)


async def test_the_audit_of_graphql_over_http_finds_nothing(world: World, folder: Path) -> None:
    given = json.dumps({"http": f"http://127.0.0.1:{world.port}/graphql"})
    async with running(folder, "audit.mjs", given) as audit:
        found = await audit.ends()
    assert [audit for audit in found if audit[0] != "ok"] == []
    assert len(found) == 61
