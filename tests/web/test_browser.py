"""GraphiQL in a real browser, where there is one: signed in, live, and at peace with its policy."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest

pytest.importorskip("playwright", reason="the browser tests need playwright: scripts/install dev")

from playwright.async_api import Browser, expect

from tests.web.browser import Window, chromium, find_chromium, text_of, window
from tests.web.newcomer import running_demo


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    path = find_chromium()
    if path is None:
        pytest.skip("no Chromium in the PATH, and BACKCHANNEL_CHROMIUM names none")
    async with chromium(path) as started:
        yield started


@pytest.fixture(scope="session")
async def graphiql(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[str]:
    async with running_demo(tmp_path_factory.mktemp("demo")) as address:
        yield address


async def test_window_is_signed_in(browser: Browser, graphiql: str) -> None:
    async with window(browser, f"{graphiql}?as=carol") as carol:
        await expect(carol.page).to_have_title("Carol Jensen · Backchannel GraphiQL")
        await carol.run()
        await carol.shows('"name": "Carol Jensen"')


async def test_message_is_seen_in_the_other_window(browser: Browser, graphiql: str) -> None:
    async with (
        window(browser, f"{graphiql}?as=carol&tab=LiveChannel") as carol,
        window(browser, f"{graphiql}?as=dave&tab=SendMessage") as dave,
    ):
        await carol.run()
        await carol.subscribed.wait()
        for content in ("first of two", "second of two"):
            variables = json.loads(await text_of(dave.editor("Variables")))
            variables["input"]["content"] = content
            await dave.write("Variables", json.dumps(variables))
            await dave.run()
            await dave.shows(f'"content": "{content}"')
            await carol.shows(f'"content": "{content}"')
        await carol.shows('"received": 2')
        shown = json.loads(await text_of(carol.result))["newestFirst"]
        events = [result["data"]["channelEvents"] for result in shown]
        assert [event["message"]["content"] for event in events] == [
            "second of two",
            "first of two",
        ]
        assert {event["actor"]["name"] for event in events} == {"Dave Okafor"}


async def test_typing_is_seen_in_the_other_window(browser: Browser, graphiql: str) -> None:
    async with (
        window(browser, f"{graphiql}?as=carol&tab=WhoIsTyping") as carol,
        window(browser, f"{graphiql}?as=dave&tab=StartTyping") as dave,
    ):
        await carol.run()
        await carol.subscribed.wait()
        await dave.run()
        await carol.shows('"isTyping": true')
        await carol.shows('"isTyping": false')


@pytest.mark.parametrize("tab", ["MyChannels", "History", "SendMessage", "StartTyping"])
async def test_tab_answers_at_once(browser: Browser, graphiql: str, tab: str) -> None:
    async with window(browser, graphiql) as carol:
        await carol.open_tab(tab)
        await carol.run()
        await carol.shows('"data": {')
        await expect(carol.result).not_to_contain_text('"errors"')


async def test_refusal_has_a_code(browser: Browser, graphiql: str) -> None:
    async with window(browser, f"{graphiql}?as=dave&tab=Refused") as dave:
        await dave.run()
        await dave.shows('"code": "NOT_FOUND"')


async def test_everything_opens_without_a_complaint(browser: Browser, graphiql: str) -> None:
    async with window(browser, graphiql) as carol:
        for panel in ("Documentation Explorer", "History", "GraphiQL Explorer"):
            await carol.press(f"Show {panel}")
            await expect(carol.page.get_by_label(f"Hide {panel}")).to_be_visible()
        await carol.press("Show Documentation Explorer")
        await expect(carol.page.get_by_text("query: Query")).to_be_visible()
        for dialog in ("settings", "short keys"):
            await carol.press(f"Open {dialog} dialog")
            await expect(carol.page.get_by_role("dialog")).to_be_visible()
            await carol.page.keyboard.press("Escape")
            await expect(carol.page.get_by_role("dialog")).to_be_hidden()


async def test_demo_leaves_nothing_in_the_browser(browser: Browser, graphiql: str) -> None:
    async with window(browser, graphiql) as carol:
        await carol.write("Query Editor", "{ viewer { user { name } } }")
        await carol.run()
        await carol.shows('"name": "Carol Jensen"')
        kept = "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"
        assert await carol.page.evaluate(kept) == '[{},{},""]'
        await carol.page.reload()
        await expect(carol.editor("Query Editor")).to_contain_text("WhoAmI")


async def test_rebound_name_shows_no_token(browser: Browser, graphiql: str) -> None:
    port = httpx.URL(graphiql).port
    context = await browser.new_context()
    async with context:
        page = await context.new_page()
        await page.goto(f"http://rebound.example:{port}/graphiql")
        await expect(page.get_by_text("signs in pages on this machine only")).to_be_visible()
        assert "Bearer" not in await page.content()


async def test_own_page_keeps_edits_but_no_token(
    browser: Browser, plain: httpx.AsyncClient
) -> None:
    address = str(plain.base_url.join("/graphiql"))
    context = await browser.new_context()
    async with context:
        own = Window(await context.new_page())
        await own.page.goto(address)
        await own.write("Headers", '{"Authorization": "Bearer s.e.cret"}')
        await own.write("Query Editor", "query Mine { viewer { user { name } } }")
        await own.run()
        stored = "() => localStorage['backchannel:graphiql:tabState']?.includes('Mine')"
        await own.page.wait_for_function(stored)
        assert "s.e.cret" not in await own.page.evaluate("JSON.stringify(localStorage)")
        await own.page.reload()
        assert (
            await text_of(own.editor("Query Editor")) == "query Mine { viewer { user { name } } }"
        )
        assert json.loads(await text_of(own.editor("Headers"))) == {"Authorization": ""}
