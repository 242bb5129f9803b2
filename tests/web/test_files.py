"""Files in a real browser, where there is one: the example of docs/files.md, across origins."""

import base64
from collections.abc import AsyncIterator

import pytest

pytest.importorskip("playwright", reason="the browser tests need playwright: scripts/install dev")

from playwright.async_api import Browser, Page

from tests.end_to_end.test_files_page import blocks
from tests.files import SVG, picture
from tests.web.browser import chromium, find_chromium
from tests.world import World

pytestmark = pytest.mark.usefixtures("room_for_uploads")

GRAPHQL = """
async function graphql(query, variables) {
  const headers = { "Content-Type": "application/json", Authorization: `Bearer ${TOKEN}` }
  const body = JSON.stringify({ query, variables })
  const answer = await (await fetch("/graphql", { method: "POST", headers, body })).json()
  if (answer.errors) throw new Error(answer.errors[0].message)
  return answer.data
}
"""

UPLOAD = """
async ({ content, name, type, channel }) => {
  const bytes = Uint8Array.from(atob(content), (character) => character.charCodeAt(0))
  return upload(new File([bytes], name, { type }), channel)
}
"""

SHOW = """
(url) => new Promise((done) => {
  const image = new Image()
  image.onload = () => done([image.naturalWidth, image.naturalHeight])
  image.onerror = () => done(null)
  image.src = url
})
"""


@pytest.fixture(scope="module")
async def page(world: World) -> AsyncIterator[Page]:
    """A page of ours; S3 is at another origin."""
    path = find_chromium()
    if path is None:
        pytest.skip("no Chromium in the PATH, and BACKCHANNEL_CHROMIUM names none")
    async with chromium(path) as browser:
        page = await opened(browser, world)
        yield page


async def opened(browser: Browser, world: World) -> Page:
    """A window with what the example needs."""
    # An application brings a policy of its own, and not that of our answers, which allows nothing.
    page = await browser.new_page(bypass_csp=True)
    await page.goto(f"http://127.0.0.1:{world.port}/healthz")
    await page.add_script_tag(content=f"const TOKEN = {world.carol.token!r}{GRAPHQL}{EXAMPLE}")
    return page


EXAMPLE = blocks("js")[0]


async def uploaded(page: Page, channel: str, name: str, type: str, content: bytes) -> str:
    """The link to a file that the page has sent."""
    file = {
        "content": base64.b64encode(content).decode(),
        "name": name,
        "type": type,
        "channel": channel,
    }
    attachment = await page.evaluate(UPLOAD, file)
    url: str = attachment["url"]
    return url


async def test_a_page_sends_a_picture_and_shows_it(world: World, page: Page) -> None:
    channel = await world.carol.create_channel()
    url = await uploaded(page, channel, "größe.png", "image/png", picture())
    assert await page.evaluate(SHOW, url) == [64, 48]


@pytest.mark.parametrize(
    ("name", "type", "content"),
    [
        ("drawing.svg", "image/svg+xml", SVG),
        ("notes – größe.txt", "text/plain", b"Hello <script>document.title = 'run'</script>"),
        ("data.json", "application/json", b"{}"),
    ],
)
async def test_what_a_browser_might_run_it_saves(
    world: World, page: Page, name: str, type: str, content: bytes
) -> None:
    channel = await world.carol.create_channel()
    url = await uploaded(page, channel, name, type, content)
    async with page.expect_download() as downloading:
        await page.evaluate("(url) => { location.href = url }", url)
    assert (await downloading.value).suggested_filename == name
    assert page.url.endswith("/healthz")  # it is still where it was
