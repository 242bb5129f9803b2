"""The application: routes, and what stands behind them while it runs."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from http import HTTPMethod

import structlog
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket

from execution.engine import Engine
from realtime.tasks import running
from resolvers.services import Services
from schema import graphql_schema, printed
from schema.persisted import Persisted
from server import logins, probes, sync
from server.auth import Authenticator
from server.connection import ConnectionLimits
from server.connections import Connections
from server.graphiql import GraphiQL
from server.headers import SecurityHeaders
from server.health import Health
from server.http import GraphQLOverHTTP
from server.janitor import sweep_for_ever
from server.manifests import read_manifest
from server.migrate import head
from server.origins import Origins
from server.probes import explain
from server.services import open_services
from server.sessions import Sessions
from server.settings import Settings
from server.sync import Sync
from server.unforeseen import Unforeseen
from storage.census import Census
from storage.errors import Refusal
from storage.postgres import Database

CLIENTS_HEADERS = (
    "authorization",
    "content-type",
    "last-event-id",
    # What Apollo Client says of itself and of its page, when it is told what.
    "apollographql-client-name",
    "apollographql-client-version",
)
"""What a page of another origin may send besides what browsers let every page send."""

log = structlog.get_logger(__name__)


def create_app(settings: Settings, graphiql: GraphiQL | None = None) -> Starlette:
    """The application; ``graphiql`` is a page that knows more than the plain one."""
    app = _Backchannel(settings)
    routes: list[BaseRoute] = [
        Route("/graphql", app.graphql, methods=list(HTTPMethod)),
        WebSocketRoute("/graphql", app.socket),
        Route("/healthz", app.alive),
        Route("/readyz", app.ready),
    ]
    if settings.introspection:
        routes.append(Route("/schema.graphql", _schema))
    if settings.graphiql:
        routes += (graphiql or GraphiQL()).routes()
        routes.append(Route("/", lambda _: RedirectResponse("graphiql")))
    middleware = [Middleware(SecurityHeaders), Middleware(Unforeseen), *_cors(settings)]
    return Starlette(routes=routes, lifespan=app.lifespan, middleware=middleware)


class _Backchannel:
    """The endpoints, which exist once the lifespan has begun."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @asynccontextmanager
    async def lifespan(self, starlette: Starlette) -> AsyncIterator[None]:
        settings = self._settings
        async with AsyncExitStack() as stack:
            try:
                services = await stack.enter_async_context(open_services(settings))
            except Refusal as refusal:
                log.error("start.failed", service=refusal.service, line=explain(refusal))
                raise
            sessions = Sessions(authenticator(settings), services, settings.session_cache_seconds)
            documents = persisted(settings, services)
            engine = Engine(
                graphql_schema(), services, documents, introspection=settings.introspection
            )
            origins = Origins(settings.allowed_origins)
            self._connections = Connections(engine, sessions, origins, connection_limits(settings))
            self._http = GraphQLOverHTTP(engine, sessions, origins, self._connections)
            await logins.warn(settings, services.database)
            starlette.state.services = services
            services.live.on_directory_change = self._connections.directory_changed
            database = await stack.enter_async_context(
                sync.open_database(settings, settings.database_timeout)
            )
            self._health = Health(
                {
                    "postgres": partial(_postgres, services, database, head()),
                    "mongodb": services.directory.ping,
                    "s3": services.objects.ping,
                },
                optional={"mongodb", "s3"},
            )
            database.on_commit = services.live.tell_moved
            database.on_touch = services.live.tell_own
            in_step = Sync(
                database,
                Census(services.directory),
                services.live,
                sync.rules(settings),
                settings.sync_seconds,
            )
            retention = timedelta(days=settings.event_retention_days)
            for name, work in (
                ("session watch", self._connections.watch_sessions),
                ("sync", in_step.run),
                (
                    "janitor",
                    partial(sweep_for_ever, services, retention, documents.forget),
                ),
            ):
                await stack.enter_async_context(running(name, work))
            yield

    async def graphql(self, request: Request) -> ASGIApp:
        return await self._http(request)

    async def socket(self, websocket: WebSocket) -> None:
        await self._connections.serve(websocket)

    async def alive(self, request: Request) -> Response:
        return await self._health.live(request)

    async def ready(self, request: Request) -> Response:
        return await self._health.ready(request)


def persisted(settings: Settings, services: Services) -> Persisted:
    """The documents that have names under these settings."""
    file = settings.trusted_documents
    return Persisted(
        services.housekeeping,
        read_manifest(file) if file else None,
        only_trusted=settings.trusted_documents_only,
        most=settings.persisted_queries,
    )


def authenticator(settings: Settings) -> Authenticator:
    """What verifies tokens under these settings."""
    secret = settings.jwt_secret
    return Authenticator(
        secret=secret.get_secret_value() if secret else None,
        jwks_url=settings.jwt_jwks_url,
        issuer=settings.jwt_issuer,
        audience=settings.jwt_audience,
        leeway=settings.jwt_leeway,
    )


def connection_limits(settings: Settings) -> ConnectionLimits:
    """What one connection may take under these settings."""
    return ConnectionLimits(
        init_seconds=settings.connection_init_seconds,
        operations=settings.socket_max_operations,
        outbox_bytes=settings.socket_outbox_bytes,
        keepalive_seconds=settings.socket_keepalive_seconds,
    )


def _cors(settings: Settings) -> list[Middleware]:
    if not settings.allowed_origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=list(settings.allowed_origins),
            allow_methods=["GET", "POST"],
            allow_headers=CLIENTS_HEADERS,
            expose_headers=["x-request-id", "retry-after"],
            max_age=600,
        )
    ]


async def _postgres(services: Services, in_step: Database, newest: str) -> None:
    """Whether everybody who needs it can use it: they may log in apart."""
    await probes.schema(services.database, newest)
    for database in (services.live.database, services.housekeeping, in_step):
        await database.reach()


async def _schema(_: Request) -> Response:
    return PlainTextResponse(printed(), media_type="application/graphql")
