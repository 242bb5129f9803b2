"""Somebody between us and S3, who passes on what they like and acts at the worst moment."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
from aiohttp import web

from tests.world import PLAIN

Moment = Callable[[web.Request], bool]
Deed = Callable[[], Awaitable[None]]


class Between:
    """Passes requests to a server. After the answer to the first of a kind, and before
    anybody gets that answer, it does what it was told.
    """

    def __init__(self, upstream: httpx.AsyncClient) -> None:
        self._upstream = upstream
        self._plans: list[tuple[Moment, Deed]] = []
        self._forbidden: Moment = lambda _: False
        self.url = ""

    @classmethod
    @asynccontextmanager
    async def us_and(cls, url: str) -> AsyncIterator["Between"]:
        """Between us and the server at ``url``, for as long as the block lasts."""
        async with httpx.AsyncClient(base_url=url, timeout=10, verify=PLAIN) as upstream:
            between = cls(upstream)
            app = web.Application(client_max_size=2**25)
            app.router.add_route("*", "/{path:.*}", between._pass_on)
            runner = web.AppRunner(app)
            await runner.setup()
            try:
                await web.TCPSite(runner, "127.0.0.1", 0).start()
                between.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
                yield between
            finally:
                await runner.cleanup()

    def after(self, moment: Moment, deed: Deed) -> None:
        """Do this once, after the first request of which ``moment`` is true."""
        self._plans.append((moment, deed))

    def forbid(self, what: Moment) -> None:
        """Answer for the server that it does not allow this."""
        self._forbidden = what

    async def _pass_on(self, request: web.Request) -> web.Response:
        if self._forbidden(request):
            return web.Response(status=403, text=_DENIED, content_type="application/xml")
        answer = await self._upstream.request(
            request.method,
            request.raw_path,
            content=await request.read(),
            headers=[each for each in request.headers.items() if each[0].lower() not in _OURS],
        )
        for plan in [plan for plan in self._plans if plan[0](request)]:
            self._plans.remove(plan)
            await plan[1]()
        headers = [each for each in answer.headers.items() if each[0].lower() not in _OURS]
        body = answer.content
        if request.method == "HEAD":
            headers.append(("Content-Length", answer.headers["Content-Length"]))
        return web.Response(status=answer.status_code, headers=headers, body=body)


_DENIED = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
_OURS = {"host", "connection", "expect", "transfer-encoding", "content-length"}


def copying(request: web.Request) -> bool:
    """An object is copied."""
    return "x-amz-copy-source" in request.headers


def looking(request: web.Request) -> bool:
    """Somebody asks how large an object is."""
    return request.method == "HEAD" and request.path.count("/") > 1


def peeking(request: web.Request) -> bool:
    """Somebody reads how an object begins."""
    return request.method == "GET" and "range" in request.headers
