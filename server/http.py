"""GraphQL over HTTP, as the GraphQL-over-HTTP specification has it.

A well-formed request is answered 200, errors and all, as ``application/json``.
Who accepts ``application/graphql-response+json`` gets status codes that tell a
request that was never run (400, 401) from one that was. Who accepts a stream
gets one, and whatever there is to say in it.
"""

import asyncio
from functools import partial
from typing import Any

import structlog
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HTTPRequest
from starlette.responses import Response
from starlette.types import ASGIApp

from execution.answers import to_json
from execution.engine import Engine
from execution.requests import Prepared, Request
from schema.errors import Rejected, errors_of
from server import logs
from server.addresses import address_of
from server.auth import bearer
from server.connections import Connections
from server.dialects import stream_dialect
from server.heads import has_come
from server.json_values import read_json
from server.media import GRAPHQL_RESPONSE, JSON, STREAMS, acceptable
from server.origins import Origins
from server.requests import graphql_request
from server.sessions import Sessions, SignedIn
from server.streaming import Asked
from storage.errors import ErrorCode, Refusal, bad_input, forbidden, unavailable

MAX_BODY_BYTES = 1_000_000
METHODS = ("GET", "POST")
LINGER_BYTES = 32_000_000
"""What is read and thrown away of a longer body."""
BODY_SECONDS = 30.0

log = structlog.get_logger(__name__)

_STATUS = {ErrorCode.UNAUTHENTICATED: 401, ErrorCode.UNAVAILABLE: 503}


class _Refused(Exception):
    """The request is not well-formed; the status says so whatever the client accepts."""

    def __init__(
        self, status: int, refusal: Refusal, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(refusal)
        self.status = status
        self.refusal = refusal
        self.headers = headers or {}


class GraphQLOverHTTP:
    """The endpoint for requests."""

    def __init__(
        self, engine: Engine, sessions: Sessions, origins: Origins, connections: Connections
    ) -> None:
        self._engine = engine
        self._sessions = sessions
        self._origins = origins
        self._connections = connections

    async def __call__(self, http: HTTPRequest) -> ASGIApp:
        """Answer one request; never raises for what a client can cause."""
        with logs.request() as request_id:
            accepted = acceptable(http.headers.get("accept"))
            media_type = next((type for type in accepted if type not in STREAMS), JSON)
            try:
                if http.method not in METHODS:
                    raise _Refused(
                        405,
                        bad_input("method", "Requests come by GET and POST."),
                        {"Allow": ", ".join(METHODS)},
                    )
                if not accepted:
                    raise _Refused(406, bad_input("accept", f"The answer is {JSON}."))
                if not self._origins.admits(http):
                    raise _Refused(403, forbidden("This page may not use the API."))
                return await self._answer(http, await _read(http, request_id), accepted)
            except _Refused as refused:
                errors = errors_of(refused.refusal, request_id)
                return _response(errors, refused.status, media_type, request_id, refused.headers)
            except ClientDisconnect:
                # Nobody is left to read an answer; this status is for the record only.
                return Response(status_code=499)
            except asyncio.CancelledError:
                # The server was told to stop, and does not wait for this any longer.
                errors = errors_of(unavailable("backchannel"), request_id)
                return _response(errors, 503, media_type, request_id)
            except Exception as exception:
                return _response(errors_of(exception, request_id), 500, media_type, request_id)

    async def _answer(self, http: HTTPRequest, request: Request, accepted: list[str]) -> ASGIApp:
        media_type, signed_in = accepted[0], None
        asked: Prepared | Refusal | Rejected
        try:
            signed_in = await self._sign_in(http)
            asked = await self._engine.read(request, signed_in.viewer if signed_in else None)
            if asked.is_mutation and http.method != "POST":
                raise _Refused(
                    405, bad_input("method", "Mutations are sent by POST."), {"Allow": "POST"}
                )
            media_type = _media_type(asked, accepted)
            if asked.is_subscription and signed_in:
                await self._sessions.count_socket(signed_in.viewer)
            if media_type not in STREAMS:
                viewer = signed_in.viewer if signed_in else None
                body = await self._engine.execute(asked, viewer)
                return _json(body, 200, media_type, request.request_id)
        except (Refusal, Rejected) as refused:
            if isinstance(refused, Refusal) and refused.code is ErrorCode.RATE_LIMITED:
                retry_after = {"Retry-After": str(refused.retry_after)}
                raise _Refused(429, refused, retry_after) from None
            asked = refused
        if media_type in STREAMS:
            dialect = stream_dialect(media_type)
            return partial(
                self._connections.stream, Asked(asked, dialect, signed_in, request.request_id)
            )
        assert not isinstance(asked, Prepared), "it was executed"
        status = 200
        if media_type == GRAPHQL_RESPONSE:
            status = _STATUS.get(asked.code, 400) if isinstance(asked, Refusal) else 400
        errors = errors_of(asked, request.request_id)
        return _response(errors, status, media_type, request.request_id)

    async def _sign_in(self, http: HTTPRequest) -> SignedIn | None:
        token = bearer(http.headers.get("authorization"))
        return await self._sessions.admit(token, address_of(http))


def _media_type(prepared: Prepared, accepted: list[str]) -> str:
    if not prepared.is_subscription:
        return accepted[0]
    for type in accepted:
        if type in STREAMS:
            return type
    raise bad_input(
        "accept",
        "Subscriptions need a WebSocket, or to accept text/event-stream or multipart/mixed.",
    )


async def _read(http: HTTPRequest, request_id: str) -> Request:
    try:
        if http.method == "GET":
            value: Any = _from_query_string(http)
        else:
            content_type, _, parameters = http.headers.get("content-type", "").partition(";")
            if content_type.strip().lower() != JSON:
                raise _Refused(415, bad_input("content-type", f"The body is sent as {JSON}."))
            charset = parameters.replace(" ", "").lower().removeprefix("charset=").strip('"')
            if charset and charset != "utf-8":
                raise _Refused(415, bad_input("content-type", "The body is sent in UTF-8."))
            if http.headers.get("content-encoding", "identity").strip().lower() != "identity":
                raise _Refused(415, bad_input("content-encoding", "The body is sent as it is."))
            value = read_json(await _body(http))
        return graphql_request(value, request_id, http.headers.get("last-event-id"))
    except Refusal as refusal:
        raise _Refused(400, refusal) from None


def _from_query_string(http: HTTPRequest) -> dict[str, Any]:
    parameters = http.query_params
    value: dict[str, Any] = {
        name: parameters[name]
        for name in ("query", "operationName", "documentId")
        if name in parameters
    }
    for name in ("variables", "extensions"):
        if parameters.get(name):
            try:
                value[name] = read_json(parameters[name].encode("utf-8", "surrogatepass"))
            except Refusal:
                raise bad_input(name, f"The {name} are not valid JSON.") from None
    return value


async def _body(http: HTTPRequest) -> bytes:
    """All of it. Raises _Refused when it is too long or does not come."""
    if has_come(http.scope):
        return await _collected(http)
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _collected(http)
    except TimeoutError:
        raise _Refused(408, bad_input("body", "The body does not come.")) from None


async def _collected(http: HTTPRequest) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in http.stream():
        size += len(chunk)
        if size > MAX_BODY_BYTES + LINGER_BYTES:
            break
        if size > MAX_BODY_BYTES:
            # Read on for a while: most clients look for an answer when they have sent all.
            chunks.clear()
        else:
            chunks.append(chunk)
    if size > MAX_BODY_BYTES:
        raise _Refused(413, bad_input("body", f"A request has at most {MAX_BODY_BYTES:,} bytes."))
    return b"".join(chunks)


def _response(
    errors: list[dict[str, Any]],
    status: int,
    media_type: str,
    request_id: str,
    headers: dict[str, str] | None = None,
) -> Response:
    return _json(to_json({"errors": errors}), status, media_type, request_id, headers)


def _json(
    body: bytes,
    status: int,
    media_type: str,
    request_id: str,
    headers: dict[str, str] | None = None,
) -> Response:
    told = {"X-Request-Id": request_id, "Cache-Control": "no-store", **(headers or {})}
    return Response(body, status, told, media_type)
