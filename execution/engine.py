"""The engine: does operations against the schema, and renders events for cohorts.

Bytes come out of it, ready to be sent: the transports never look inside.
"""

import inspect
import json
from dataclasses import dataclass, replace
from typing import Any

from graphql import (
    ExecutionResult,
    Executor,
    GraphQLSchema,
    create_source_event_stream,
    execute,
)

from execution.answers import all_formatted, encoded
from execution.executor import PlanningExecutor
from execution.rendering import Kitchen, Rendering
from execution.requests import Prepared, Request
from execution.turns import Turns
from realtime.source import Render, Source
from resolvers.rates import Kind
from resolvers.services import Services
from resolvers.viewer import Viewer
from schema.context import Renew, new_context
from schema.documents import Documents, Invalid
from schema.errors import Rejected, formatted, refusal_error
from schema.limits import MAX_COST, MAX_STRANGERS_CHARACTERS, check_variables
from schema.measure import check_cost
from schema.persisted import Persisted
from storage.errors import Refusal, unauthenticated


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
        self._documents = Documents(schema, introspection=introspection)
        self._hide_suggestions = not introspection
        live = replace(services, database=services.live.database)
        self._turns = Turns()
        self._kitchen = Kitchen(schema, live, hide_suggestions=self._hide_suggestions)

    async def read(self, request: Request, viewer: Viewer | None) -> Prepared:
        """The request, understood, whether it carries its document or names it. Raises Rejected,
        and a Refusal for a document that is not known or not to be run.
        """
        is_stranger = viewer is None
        if is_stranger and len(request.query) > MAX_STRANGERS_CHARACTERS:
            raise unauthenticated("A document as long as that is read for those who are signed in.")
        text = await self._persisted.text(request.query, request.named, is_stranger=is_stranger)
        prepared = self.prepare(request if text == request.query else replace(request, query=text))
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
        services = self._seen_by(viewer)
        outcome = execute(
            self._schema,
            document.ast,
            context_value=new_context(
                services,
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
        # Already here: PostgreSQL forgets the viewer while the answer is written.
        services.database.let_go()
        if result.data is None and result.errors and not result.errors[0].path:
            # No field was run; such an answer has no data, not even null.
            raise Rejected(all_formatted(result.errors, prepared))
        return encoded(result, prepared)

    async def subscribe(
        self, prepared: Prepared, viewer: Viewer | None, device: object = None
    ) -> "Subscription":
        """The subscription, authorized and ready to run. Raises Rejected and RATE_LIMITED."""
        async with self._turns.one():
            return await self._subscribe(prepared, viewer, device)

    async def _subscribe(
        self, prepared: Prepared, viewer: Viewer | None, device: object
    ) -> "Subscription":
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
            raise Rejected(all_formatted(executor, prepared))
        source: Any = create_source_event_stream(executor)
        if inspect.isawaitable(source):
            source = await source
        if isinstance(source, ExecutionResult):
            raise Rejected(all_formatted(source.errors or [], prepared))
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
        return Subscription(source, key, Rendering(self._kitchen, prepared, whose))


@dataclass(frozen=True, slots=True)
class Subscription:
    """A source, and what its cohort is and is sent."""

    stream: Source
    cohort_key: tuple[Any, ...]
    render: Render
