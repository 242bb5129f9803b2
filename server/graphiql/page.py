"""The routes of GraphiQL."""

import json
import re
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from server.graphiql.assets import load_assets, load_page
from server.graphiql.tabs import DemoChannel, DemoPerson, Tab, demo_tabs, plain_tabs

# All of it is ours. The fonts and a few small pictures stand inside GraphiQL's stylesheet as data:.
# The hash allows one <style> and no other: an open dialog keeps the page behind it from scrolling.
CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'self'",
        "style-src 'self' 'sha256-nzTgYzXYDNe6BAHiiI7NNlfK8n/auuOAhh2t92YvuXo='",
        "font-src data:",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)

SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

LOOPBACK_ADDRESSES = {"127.0.0.1", "::1"}
LOOPBACK_HOST = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:\d+)?", re.IGNORECASE)


class GraphiQL:
    """The GraphiQL page: its files, its headers and what it starts with.

    Without people it is the plain page, with no secret in it: the user types their own token.
    With people, which only the demo has, each window is signed in as one of them, and their
    tokens leave this process only for our own page, on this machine and under a loopback name.

    The addresses are relative to the page's own, so that a prefix in front of all does no harm.
    """

    def __init__(
        self,
        *,
        graphql_url: str = "graphql",
        websocket_url: str = "graphql",
        people: Sequence[DemoPerson] = (),
        channels: Sequence[DemoChannel] = (),
    ) -> None:
        assets = load_assets()
        self._assets = {asset.name: asset for asset in assets}
        self._page = load_page(assets)
        self._addresses = {"graphqlUrl": graphql_url, "websocketUrl": websocket_url}
        self._people = {person.key: person for person in people}
        self._channels = {channel.key: channel for channel in channels}

    def routes(self) -> list[Route]:
        """GET /graphiql, /graphiql/config.json and /graphiql/assets/NAME."""
        return [
            Route("/graphiql", self._get_page),
            Route("/graphiql/config.json", self._get_config),
            Route("/graphiql/assets/{name}", self._get_asset),
        ]

    def _get_page(self, _request: Request) -> Response:
        return Response(
            self._page,
            media_type="text/html",
            headers={**SECURITY_HEADERS, "Cache-Control": "no-cache"},
        )

    def _get_asset(self, request: Request) -> Response:
        asset = self._assets.get(request.path_params["name"])
        if asset is None:
            return Response(status_code=404, headers=SECURITY_HEADERS)
        headers = {
            **SECURITY_HEADERS,
            "Cache-Control": "public, max-age=31536000, immutable",
            "Content-Type": asset.media_type,
            "Vary": "Accept-Encoding",
        }
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(asset.gzipped, headers={**headers, "Content-Encoding": "gzip"})
        return Response(asset.body, headers=headers)

    def _get_config(self, request: Request) -> Response:
        if not self._people:
            return self._config(plain_tabs())
        if not _asked_by_own_page(request):
            return _json({"error": "The demo signs in pages on this machine only."}, 403)
        first = next(iter(self._people))
        key = request.query_params.get("as", "carol" if "carol" in self._people else first)
        person = self._people.get(key)
        if person is None:
            known = ", ".join(self._people)
            return _json({"error": f"Nobody in the demo is called that. There are: {known}."}, 404)
        beside = request.query_params.get("beside")
        return self._config(demo_tabs(person, self._channels, beside), person)

    def _config(self, tabs: list[Tab], person: DemoPerson | None = None) -> Response:
        authorization = f"Bearer {person.token}" if person else ""
        return _json(
            {
                **self._addresses,
                "person": person and {"key": person.key, "name": person.name},
                "people": [{"key": p.key, "name": p.name} for p in self._people.values()],
                "headers": json.dumps({"Authorization": authorization}, indent=2),
                "tabs": [tab.as_json() for tab in tabs],
            }
        )


def _asked_by_own_page(request: Request) -> bool:
    """Whether this comes from this machine, and not from another site's page in its browser.

    A site whose name was rebound to loopback is the same origin, but it has its own name.
    """
    return (
        request.client is not None
        and request.client.host in LOOPBACK_ADDRESSES
        and LOOPBACK_HOST.fullmatch(request.headers.get("host", "")) is not None
        and request.headers.get("sec-fetch-site", "same-origin") == "same-origin"
    )


def _json(content: object, status: int = 200) -> Response:
    return JSONResponse(content, status, headers={**SECURITY_HEADERS, "Cache-Control": "no-store"})
