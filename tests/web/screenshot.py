"""Takes the README's picture of GraphiQL: what scripts/screenshot runs."""

import asyncio
import json
import sys
import tempfile
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.async_api import Browser

from tests.web.browser import Window, chromium, find_chromium, text_of, window
from tests.web.newcomer import ROOT, running_demo

PICTURE = ROOT / "docs" / "images" / "graphiql.png"
MESSAGES = [
    "Apollo is on staging. Who would like to try it?",
    "The slowest page takes 96 ms now.",
    "Thank you all. See you at the launch!",
]


async def take(browser: Browser, graphiql: str) -> bytes:
    """Carol's window, listening, after Dave has sent the messages in his."""
    context = await browser.new_context(
        viewport={"width": 1400, "height": 900}, device_scale_factor=2
    )
    async with context, window(browser, f"{graphiql}?as=dave&tab=SendMessage") as dave:
        carol = Window(await context.new_page())
        carol.watch(graphiql)
        await carol.page.goto(f"{graphiql}?as=carol&tab=LiveChannel")
        await carol.run()
        await carol.subscribed.wait()
        for content in MESSAGES:
            variables = json.loads(await text_of(dave.editor("Variables")))
            variables["input"]["content"] = content
            await dave.write("Variables", json.dumps(variables))
            await dave.run()
            await carol.shows(content)
        # The pointer and its tooltip have no place in the picture.
        await carol.page.mouse.move(700, 890)
        await carol.page.get_by_role("tooltip").wait_for(state="hidden")
        return await carol.page.screenshot(animations="disabled")


async def main() -> None:
    path = find_chromium()
    if path is None:
        sys.exit("A Chromium in the PATH, or named by BACKCHANNEL_CHROMIUM, is needed.")
    with tempfile.TemporaryDirectory() as folder:
        async with running_demo(Path(folder)) as graphiql, chromium(path) as browser:
            picture = Image.open(BytesIO(await take(browser, graphiql)))
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    # It has few colours: a palette makes it a third of the size.
    picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(PICTURE, optimize=True)


if __name__ == "__main__":
    asyncio.run(main())
