"""What the GraphiQL routes answer, over HTTP."""

import json
import re

import httpx
import pytest
from starlette.applications import Starlette

from server.graphiql import DemoPerson, GraphiQL
from tests.web.conftest import CHANNELS, PEOPLE

POLICY = {
    "default-src": "'self'",
    "style-src": "'self' 'sha256-nzTgYzXYDNe6BAHiiI7NNlfK8n/auuOAhh2t92YvuXo='",
    "font-src": "data:",
    "img-src": "'self' data:",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}


def assert_guarded(response: httpx.Response) -> None:
    said = response.headers["content-security-policy"].split("; ")
    assert dict(directive.split(" ", 1) for directive in said) == POLICY
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["x-frame-options"] == "DENY"
    assert response.headers["referrer-policy"] == "no-referrer"
    assert response.headers["cross-origin-opener-policy"] == "same-origin"
    assert response.headers["cross-origin-resource-policy"] == "same-origin"
    assert "access-control-allow-origin" not in response.headers


async def test_page_is_guarded_and_has_nothing_inline(demo: httpx.AsyncClient) -> None:
    page = await demo.get("/graphiql")
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "no-cache"
    assert_guarded(page)
    assert not re.search(r"<script(?![^>]* src=)|<style|style=|\son[a-z]+=|https?://", page.text)


async def test_assets_are_kept_for_ever_and_packed(demo: httpx.AsyncClient) -> None:
    page = await demo.get("/graphiql")
    addresses = re.findall(r'"(graphiql/assets/[^"]+)"', page.text)
    assert len(addresses) == 9
    for address in addresses:
        assert re.search(r"-[0-9a-f]{12}\.(js|css|svg)$", address)
        as_is = await demo.get(address, headers={"Accept-Encoding": "identity"})
        packed = await demo.get(address, headers={"Accept-Encoding": "gzip"})
        assert as_is.status_code == packed.status_code == 200
        assert "content-encoding" not in as_is.headers
        assert packed.headers["content-encoding"] == "gzip"
        assert packed.content == as_is.content
        for asset in (as_is, packed):
            assert asset.headers["cache-control"] == "public, max-age=31536000, immutable"
            assert asset.headers["vary"] == "Accept-Encoding"
            assert_guarded(asset)


@pytest.mark.parametrize("name", ["start.js", "nothing-000000000000.js", "..%2Fpage.css", "%00"])
async def test_other_assets_are_not_there(demo: httpx.AsyncClient, name: str) -> None:
    assert (await demo.get(f"/graphiql/assets/{name}")).status_code == 404


@pytest.mark.parametrize("path", ["/graphiql", "/graphiql/config.json"])
async def test_only_get_and_head(demo: httpx.AsyncClient, path: str) -> None:
    assert (await demo.head(path)).status_code == 200
    assert (await demo.post(path)).status_code == 405


async def test_outside_the_demo_there_is_no_secret(plain: httpx.AsyncClient) -> None:
    response = await plain.get("/graphiql/config.json", headers={"Host": "chat.example.com"})
    assert response.headers["cache-control"] == "no-store"
    assert_guarded(response)
    config = response.json()
    assert (config["graphqlUrl"], config["websocketUrl"]) == ("graphql", "graphql")
    assert (config["person"], config["people"]) == (None, [])
    assert json.loads(config["headers"]) == {"Authorization": ""}
    assert [tab["name"] for tab in config["tabs"]] == ["Viewer"]


async def test_demo_signs_in_carol_unless_asked_otherwise(demo: httpx.AsyncClient) -> None:
    config = (await demo.get("/graphiql/config.json")).json()
    assert config["person"] == {"key": "carol", "name": "Carol Vega"}
    assert json.loads(config["headers"]) == {"Authorization": "Bearer carol.carol.carol"}
    assert [person["key"] for person in config["people"]] == [p.key for p in PEOPLE]


@pytest.mark.parametrize("person", PEOPLE, ids=lambda person: person.key)
async def test_a_window_gets_its_own_token_only(
    demo: httpx.AsyncClient, person: DemoPerson
) -> None:
    response = await demo.get("/graphiql/config.json", params={"as": person.key})
    assert response.headers["cache-control"] == "no-store"
    assert_guarded(response)
    assert [other.key for other in PEOPLE if other.token in response.text] == [person.key]


async def test_tabs_are_filled_with_real_ids(demo: httpx.AsyncClient) -> None:
    general, sales, _ = CHANNELS
    tabs = (await demo.get("/graphiql/config.json?as=carol")).json()["tabs"]
    assert [tab["name"] for tab in tabs] == [
        "WhoAmI",
        "MyChannels",
        "History",
        "SendMessage",
        "LiveChannel",
        "StartTyping",
        "WhoIsTyping",
        "Refused",
    ]
    variables = {tab["name"]: json.loads(tab["variables"] or "{}") for tab in tabs}
    assert variables["LiveChannel"] == {"channelId": general.id}
    assert variables["SendMessage"]["input"]["channelId"] == general.id
    assert variables["Refused"]["input"]["channelId"] == sales.id


@pytest.mark.parametrize(
    ("query", "channel"),
    [
        ("as=bob", "support-frank"),
        ("as=bob&beside=frank", "support-frank"),
        ("as=bob&beside=carol", "general"),
        ("as=frank&beside=carol", "support-frank"),
        ("as=carol&beside=nobody", "general"),
    ],
)
async def test_two_windows_are_in_the_same_channel(
    demo: httpx.AsyncClient, query: str, channel: str
) -> None:
    tabs = (await demo.get(f"/graphiql/config.json?{query}")).json()["tabs"]
    [live] = [json.loads(tab["variables"]) for tab in tabs if tab["name"] == "LiveChannel"]
    ids = {channel.key: channel.id for channel in CHANNELS}
    assert live == {"channelId": ids[channel]}


async def test_somebody_without_a_channel_has_fewer_tabs(demo: httpx.AsyncClient) -> None:
    tabs = (await demo.get("/graphiql/config.json?as=grace")).json()["tabs"]
    assert [tab["name"] for tab in tabs] == ["WhoAmI", "MyChannels", "Refused"]


async def test_a_stranger_is_told_who_there_is(demo: httpx.AsyncClient) -> None:
    response = await demo.get("/graphiql/config.json?as=mallory")
    assert response.status_code == 404
    assert "alice, bob, carol, frank, grace" in response.json()["error"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:8000", "LOCALHOST", "[::1]:8000"])
async def test_loopback_names_are_signed_in(demo: httpx.AsyncClient, host: str) -> None:
    response = await demo.get("/graphiql/config.json", headers={"Host": host})
    assert response.status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example:8000",
        "127.0.0.1:80:80",
        "localhost:x",
        "192.168.1.7",
        "",
    ],
)
async def test_other_names_get_no_token(demo: httpx.AsyncClient, host: str) -> None:
    """A site whose name was rebound to 127.0.0.1 is the same origin, but says its own name."""
    await assert_refused(demo, {"Host": host})


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none", "Same-Origin", ""])
async def test_other_pages_get_no_token(demo: httpx.AsyncClient, site: str) -> None:
    await assert_refused(demo, {"Sec-Fetch-Site": site})


async def test_other_machines_get_no_token() -> None:
    """Wherever the demo listens, and whatever name they call it."""
    app = Starlette(routes=GraphiQL(people=PEOPLE, channels=CHANNELS).routes())
    elsewhere = httpx.ASGITransport(app, client=("192.0.2.7", 50000))
    async with httpx.AsyncClient(transport=elsewhere, base_url="http://127.0.0.1") as demo:
        await assert_refused(demo, {})


async def assert_refused(demo: httpx.AsyncClient, headers: dict[str, str]) -> None:
    response = await demo.get("/graphiql/config.json", headers=headers)
    assert response.status_code == 403
    assert set(response.json()) == {"error"}
    assert_guarded(response)
