"""The engine: does operations against the schema, and renders events for cohorts.

Bytes come out of it, ready to be sent: the transports never look inside.
"""

import inspect
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakKeyDictionary

import orjson
from graphql import (
    ExecutionResult,
    Executor,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    create_source_event_stream,
    execute,
)

from loaders.batches import Loaders
from realtime.inbox import InboxChannelChanged, InboxChannelRemoved, InboxSnapshot, Reading
from realtime.source import Render, Source
from resolvers.rates import Kind
from resolvers.services import Services
from resolvers.viewer import Viewer
from schema.blame import name_fields
from schema.context import Renew, new_context, new_loaders
from schema.documents import MAX_ERRORS, Document, Documents, Invalid, is_subscription, root_field
from schema.errors import Rejected, cause_of, formatted, refusal_error
from schema.executor import PlanningExecutor
from schema.limits import MAX_COST, check_variables
from schema.measure import check_cost
from schema.persisted import Named, Persisted
from schema.subscription import SOURCES
from storage.errors import ErrorCode, Refusal
from storage.records import EventRecord

Variables = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asked for."""

    query: str
    """Empty where the document is only named."""
    variables: Variables
    operation_name: str | None
    request_id: str
    last_event_id: str | None = None
    """The cursor of the last event that the client was given, where the transport has a word
    for it: it says where to go on, instead of an argument."""
    named: Named | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request whose document is valid."""

    request: Request
    document: Document
    operation: OperationDefinitionNode

    @property
    def is_subscription(self) -> bool:
        """Whether its results come one after the other."""
        return is_subscription(self.operation)

    @property
    def is_mutation(self) -> bool:
        """Whether it changes anything."""
        return self.operation.operation is OperationType.MUTATION


class Engine:
    """Runs operations of one schema with the services of one process."""

    def __init__(
        self,
        schema: GraphQLSchema,
        services: Services,
        persisted: Persisted | None = None,
        *,
        introspection: bool,
    ) -> None:
        self._persisted = persisted or Persisted(services.database)
        self._schema = schema
        self._services = services
        # Events are told of on connections of the live side: those of the operations
        # may all be taken.
        self._live_services = replace(services, database=services.live.database)
        self._documents = Documents(schema, introspection=introspection)
        self._hide_suggestions = not introspection
        self._readings: WeakKeyDictionary[Reading, Loaders] = WeakKeyDictionary()

    async def read(self, request: Request, viewer: Viewer | None) -> Prepared:
        """The request, understood, whether it carries its document or names it. Raises Rejected,
        and a Refusal for a document that is not known or not to be run.
        """
        is_stranger = viewer is None
        text = await self._persisted.text(request.query, request.named, is_stranger=is_stranger)
        prepared = self.prepare(replace(request, query=text))
        if not is_stranger:
            await self._persisted.keep(text, request.named)
        return prepared

    def prepare(self, request: Request) -> Prepared:
        """A request that carries its document, understood. Raises Rejected."""
        try:
            document = self._documents.get(request.query)
            operation = document.operation(request.operation_name)
            check_variables(request.variables, document.ast)
            if document.costs[operation.name.value if operation.name else None] > MAX_COST:
                check_cost(self._schema, document.ast, operation, request.variables)
        except Invalid as invalid:
            raise Rejected(
                [formatted(error, request.request_id) for error in invalid.errors]
            ) from None
        except Refusal as refusal:
            raise Rejected([refusal_error(refusal, request.request_id)]) from None
        return Prepared(request, document, operation)

    async def execute(
        self,
        prepared: Prepared,
        viewer: Viewer | None,
        renew: Renew | None = None,
        device: object = None,
    ) -> bytes:
        """The result of a query or mutation, as JSON. Raises Rejected for wrong variables.

        ``renew`` gives the connection another token, where the transport has one to give it to;
        ``device`` is the connection that it came by, if it is one that stays.
        """
        request, document = prepared.request, prepared.document
        if viewer is not None:
            self._services.live.presence.active(viewer.id, device)
        outcome = execute(
            self._schema,
            document.ast,
            context_value=new_context(
                self._seen_by(viewer),
                viewer,
                document.memo,
                renew,
                document.fields,
                device=device,
            ),
            variable_values=dict(request.variables),
            operation_name=request.operation_name,
            executor_class=PlanningExecutor,
            hide_suggestions=self._hide_suggestions,
        )
        result = outcome if isinstance(outcome, ExecutionResult) else await outcome
        if result.data is None and result.errors and not result.errors[0].path:
            # No field was run; such an answer has no data, not even null.
            raise Rejected(_formatted(result.errors, prepared))
        return encoded(result, prepared)

    async def subscribe(
        self, prepared: Prepared, viewer: Viewer | None, device: object = None
    ) -> "Subscription":
        """The subscription, authorized and ready to run. Raises Rejected and RATE_LIMITED."""
        request, document = prepared.request, prepared.document
        if viewer is not None:
            self._services.live.presence.active(viewer.id, device)
            await self._services.rates.take(Kind.SUBSCRIPTIONS, viewer.id)
        executor = Executor.build(
            self._schema,
            document.ast,
            context_value=new_context(
                self._seen_by(viewer),
                viewer,
                document.memo,
                fields=document.fields,
                last_event_id=request.last_event_id,
            ),
            raw_variable_values=dict(request.variables),
            operation_name=request.operation_name,
            hide_suggestions=self._hide_suggestions,
        )
        if isinstance(executor, list):
            raise Rejected(_formatted(executor, prepared))
        source: Any = create_source_event_stream(executor)
        if inspect.isawaitable(source):
            source = await source
        if isinstance(source, ExecutionResult):
            raise Rejected(_formatted(source.errors or [], prepared))
        assert isinstance(source, Source), "every subscription of ours has one"
        return self._subscription(prepared, source, viewer)

    def _seen_by(self, viewer: Viewer | None) -> Services:
        return self._services if viewer is None else self._services.seen_by(viewer.sight)

    def _subscription(
        self, prepared: Prepared, source: Source, viewer: Viewer | None
    ) -> "Subscription":
        # Those who ask for the same in the same words share every result, wherever
        # each of them began; a document with a field of the viewer's own makes a
        # cohort of one person.
        request, document = prepared.request, prepared.document
        is_inside = viewer is not None and not viewer.is_client
        is_shared = document.is_shared or (document.is_shared_inside and is_inside)
        whose = None if is_shared else viewer
        given = {
            name: request.variables[name]
            for name in sorted(document.variables)
            if name in request.variables
        }
        key = (
            request.query,
            request.operation_name,
            # Not orjson: it refuses the lone surrogates that a client may send.
            json.dumps(given),
            whose and whose.id,
        )
        name = root_field(prepared.operation, document.ast)
        wanted = SOURCES[name]

        async def render(signal: Any) -> bytes | None:
            root = wanted(signal)
            return None if root is None else await self._render(prepared, whose, signal, root)

        return Subscription(source, key, render)

    async def _render(
        self, prepared: Prepared, viewer: Viewer | None, signal: Any, root: Any
    ) -> bytes:
        """One event's result, as JSON. Raises UNAVAILABLE rather than tell a part of it."""
        request, document = prepared.request, prepared.document
        context = new_context(self._live_services, viewer, document.memo, fields=document.fields)
        if viewer and isinstance(signal, IN_AN_INBOX):
            together = self._together(signal.reading, document.fields)
            context.loaders = together.beside(viewer.id, is_client=viewer.is_client)
        if isinstance(signal, EventRecord) and signal.message is not None:
            await context.loaders.prepare([signal.message], document.fields)
        outcome = execute(
            self._schema,
            document.ast,
            root_value=root,
            context_value=context,
            variable_values=dict(request.variables),
            operation_name=request.operation_name,
            executor_class=PlanningExecutor,
            hide_suggestions=self._hide_suggestions,
        )
        result = outcome if isinstance(outcome, ExecutionResult) else await outcome
        for error in result.errors or ():
            cause = cause_of(error)
            if isinstance(cause, Refusal) and cause.code is ErrorCode.UNAVAILABLE:
                raise cause
        return encoded(result, prepared)

    def _together(self, reading: Reading, fields: frozenset[str]) -> Loaders:
        """Loaders that read once what all who are told of a reading ask for."""
        found = self._readings.get(reading)
        if found is None:
            services = self._live_services
            found = self._readings[reading] = new_loaders(services, None, fields)
        return found


IN_AN_INBOX = (InboxSnapshot, InboxChannelChanged, InboxChannelRemoved)


@dataclass(frozen=True, slots=True)
class Subscription:
    """A source, and what its cohort is and is sent."""

    stream: Source
    cohort_key: tuple[Any, ...]
    render: Render


def encoded(result: ExecutionResult, prepared: Prepared) -> bytes:
    """A result as JSON; ``errors`` come first, where people look."""
    answer: dict[str, Any] = {}
    if result.errors:
        answer["errors"] = _formatted(result.errors, prepared)
    answer["data"] = result.data
    return to_json(answer)


def _formatted(errors: list[GraphQLError], prepared: Prepared) -> list[dict[str, Any]]:
    if errors and not errors[0].path:
        # Nothing was run: a list of twenty thousand wrong values is wrong in one way.
        errors = errors[:MAX_ERRORS]
    name_fields(errors, prepared.document.ast)
    return [formatted(error, prepared.request.request_id) for error in errors]


def to_json(value: Any) -> bytes:
    """The value as JSON, whatever strings clients have sent that errors now repeat."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return orjson.dumps(_printable(value))


def _printable(value: Any) -> Any:
    if isinstance(value, dict):
        return {_printable(key): _printable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_printable(item) for item in value]
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    return value
