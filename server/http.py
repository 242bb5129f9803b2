"""GraphQL over HTTP, as the GraphQL-over-HTTP specification has it.

A well-formed request is answered 200, errors and all, as ``application/json``.
Who accepts ``application/graphql-response+json`` gets status codes that tell a
request that was never run (400, 401) from one that was.
"""

from typing import Any

import structlog
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HTTPRequest
from starlette.responses import Response

from resolvers.viewer import Viewer
from schema.engine import Engine, Rejected, Request, to_json
from schema.errors import refusal_error
from server import logs
from server.addresses import address_of
from server.auth import bearer
from server.origins import Origins
from server.requests import graphql_request, read_json
from server.sessions import Sessions
from storage.errors import ErrorCode, Refusal, bad_input, forbidden

MAX_BODY_BYTES = 1_000_000

JSON = "application/json"
GRAPHQL_RESPONSE = "application/graphql-response+json"

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
    """The endpoint for queries and mutations."""

    def __init__(self, engine: Engine, sessions: Sessions, origins: Origins) -> None:
        self._engine = engine
        self._sessions = sessions
        self._origins = origins

    async def __call__(self, http: HTTPRequest) -> Response:
        """Answer one request; never raises for what a client can cause."""
        with logs.request() as request_id:
            media_type = _media_type(http.headers.get("accept"))
            try:
                if media_type is None:
                    raise _Refused(406, bad_input("accept", f"The answer is {JSON}."))
                if not self._origins.admits(http):
                    raise _Refused(403, forbidden("This page may not use the API."))
                request = await _read(http, request_id)
                status, body = await self._answer(http, request, media_type)
                headers = {}
            except _Refused as refused:
                status, headers = refused.status, refused.headers
                body = _errors([refusal_error(refused.refusal, request_id)])
            except ClientDisconnect:
                # Nobody is left to read an answer; this status is for the record only.
                return Response(status_code=499)
            except Exception:
                log.exception("http.failed")
                status, headers = 500, {}
                internal = Refusal(ErrorCode.INTERNAL, "Something went wrong on our side.")
                body = _errors([refusal_error(internal, request_id)])
            headers = {"X-Request-Id": request_id, "Cache-Control": "no-store", **headers}
            return Response(body, status, headers, media_type or JSON)

    async def _answer(
        self, http: HTTPRequest, request: Request, media_type: str
    ) -> tuple[int, bytes]:
        strict = media_type == GRAPHQL_RESPONSE
        try:
            viewer = await self._viewer(http)
            prepared = self._engine.prepare(request)
            if prepared.is_subscription:
                raise bad_input("query", "Subscriptions need a WebSocket.")
            if prepared.is_mutation and http.method != "POST":
                raise _Refused(
                    405, bad_input("method", "Mutations are sent by POST."), {"Allow": "POST"}
                )
            return 200, await self._engine.execute(prepared, viewer)
        except Refusal as refusal:
            status = _STATUS.get(refusal.code, 400)
            return (status if strict else 200), _errors(
                [refusal_error(refusal, request.request_id)]
            )
        except Rejected as rejected:
            return (400 if strict else 200), _errors(rejected.errors)

    async def _viewer(self, http: HTTPRequest) -> Viewer | None:
        token = bearer(http.headers.get("authorization"))
        try:
            signed_in = await self._sessions.admit(token, address_of(http))
        except Refusal as refusal:
            if refusal.code is ErrorCode.RATE_LIMITED:
                retry_after = {"Retry-After": str(refusal.retry_after)}
                raise _Refused(429, refusal, retry_after) from None
            raise
        return signed_in.viewer if signed_in else None


async def _read(http: HTTPRequest, request_id: str) -> Request:
    try:
        if http.method == "GET":
            return graphql_request(_from_query_string(http), request_id)
        content_type, _, parameters = http.headers.get("content-type", "").partition(";")
        if content_type.strip().lower() != JSON:
            raise _Refused(415, bad_input("content-type", f"The body is sent as {JSON}."))
        charset = parameters.replace(" ", "").lower().removeprefix("charset=").strip('"')
        if charset and charset != "utf-8":
            raise _Refused(415, bad_input("content-type", "The body is sent in UTF-8."))
        return graphql_request(read_json(await _body(http)), request_id)
    except Refusal as refusal:
        raise _Refused(400, refusal) from None


def _from_query_string(http: HTTPRequest) -> dict[str, Any]:
    parameters = http.query_params
    value: dict[str, Any] = {
        name: parameters[name] for name in ("query", "operationName") if name in parameters
    }
    for name in ("variables", "extensions"):
        if parameters.get(name):
            try:
                value[name] = read_json(parameters[name].encode("utf-8", "surrogatepass"))
            except Refusal:
                raise bad_input(name, f"The {name} are not valid JSON.") from None
    return value


async def _body(http: HTTPRequest) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in http.stream():
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            raise _Refused(
                413, bad_input("body", f"A request has at most {MAX_BODY_BYTES:,} bytes.")
            )
        chunks.append(chunk)
    return b"".join(chunks)


def _media_type(accept: str | None) -> str | None:
    """The first of our two types that the client takes; None when it takes neither."""
    if not accept:
        return JSON
    for part in accept.split(","):
        name = part.partition(";")[0].strip().lower()
        if name == GRAPHQL_RESPONSE:
            return GRAPHQL_RESPONSE
        if name in (JSON, "*/*", "application/*"):
            return JSON
    return None


def _errors(errors: list[dict[str, Any]]) -> bytes:
    return to_json({"errors": errors})
