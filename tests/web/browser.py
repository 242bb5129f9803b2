"""Windows of a real Chromium, each as strict as its user would like it."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.async_api import (
    Browser,
    ConsoleMessage,
    Locator,
    Page,
    WebSocket,
    async_playwright,
    expect,
)

NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # A name that somebody pointed at this machine.
    "--host-resolver-rules=MAP rebound.example 127.0.0.1",
]


def find_chromium() -> str | None:
    """BACKCHANNEL_CHROMIUM, or the first Chromium or Chrome in the PATH."""
    named = os.environ.get("BACKCHANNEL_CHROMIUM")
    return named or next(filter(None, map(shutil.which, NAMES)), None)


@asynccontextmanager
async def chromium(path: str) -> AsyncIterator[Browser]:
    async with (
        async_playwright() as playwright,
        await playwright.chromium.launch(executable_path=path, args=FLAGS) as browser,
    ):
        yield browser


@dataclass
class Window:
    """GraphiQL in a browser profile of its own, and everything it complained about."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    subscribed: asyncio.Event = field(default_factory=asyncio.Event)

    def watch(self, origin: str) -> None:
        def hear(message: ConsoleMessage) -> None:
            if message.type == "error":
                self.complaints.append(message.text)

        def see(url: str) -> None:
            here = urlsplit(origin).netloc
            if not url.startswith("data:") and urlsplit(url).netloc != here:
                self.complaints.append(f"asked for {url}")

        def sent(frame: str | bytes) -> None:
            if '"subscribe"' in str(frame):
                self.subscribed.set()

        def connect(socket: WebSocket) -> None:
            see(socket.url)
            socket.on("framesent", sent)

        self.page.on("console", hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: see(request.url))
        self.page.on("websocket", connect)

    @property
    def result(self) -> Locator:
        return self.page.locator(".result-window .CodeMirror")

    def editor(self, name: str) -> Locator:
        """The editor in the section of that name, when it is the one in front."""
        section = self.page.get_by_label(name, exact=True)
        return section.locator(".graphiql-editor:not(.hidden) .CodeMirror")

    async def write(self, name: str, text: str) -> None:
        await self.editor(name).click()
        await self.page.keyboard.press("ControlOrMeta+a")
        await self.page.keyboard.insert_text(text)

    async def open_tab(self, name: str) -> None:
        await self.page.get_by_role("tab", name=name, exact=True).click()

    async def press(self, label: str) -> None:
        await self.page.get_by_label(label).click()

    async def run(self) -> None:
        await self.press("Execute query (Ctrl-Enter)")

    async def shows(self, text: str) -> None:
        await expect(self.result).to_contain_text(text)


async def text_of(editor: Locator) -> str:
    """All that stands in an editor, also what is scrolled out of sight."""
    text = await editor.evaluate("editor => editor.CodeMirror.getValue()")
    assert isinstance(text, str)
    return text


@asynccontextmanager
async def window(browser: Browser, address: str) -> AsyncIterator[Window]:
    """GraphiQL at an address, ready. Leaving it fails if the page complained about anything."""
    context = await browser.new_context(viewport={"width": 1400, "height": 900})
    async with context:
        opened = Window(await context.new_page())
        opened.watch(address)
        await opened.page.goto(address)
        yield opened
    assert opened.complaints == []
