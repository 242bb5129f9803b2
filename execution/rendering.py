"""Renderings: what those who follow something are sent of each signal, as JSON.

Where all that a signal shows is plain and at hand, its result is filled in by a plan and nobody
waits. Whatever else there is to it is left to graphql-core.
"""

from collections.abc import Awaitable
from typing import Any
from weakref import WeakKeyDictionary

from graphql import (
    ExecutionResult,
    FragmentDefinitionNode,
    GraphQLSchema,
    execute,
)

from execution.answers import encoded, to_json
from execution.executor import PlanningExecutor
from execution.plans import Fill, Within, plan_event
from execution.requests import Prepared
from loaders.batches import Loaders
from realtime.inbox import InboxChannelChanged, InboxChannelRemoved, InboxSnapshot, Reading
from realtime.source import Together
from resolvers.services import Services
from resolvers.viewer import Viewer
from schema.context import Context, new_loaders
from schema.documents import root_field
from schema.errors import cause_of
from schema.subscription import SOURCES
from storage.errors import ErrorCode, Refusal
from storage.records import EventRecord

IN_AN_INBOX = (InboxSnapshot, InboxChannelChanged, InboxChannelRemoved)

READ_FOR_ALL = frozenset(
    {"attachments", "lastReply", "mentions", "parent", "reactions", "revisions"}
)
"""The fields of a message that are read ahead, and are then there for whoever is told of it."""

READ_FOR_EACH = frozenset({"presence", "readBy"})
"""Those that are read anew for each viewer."""

AHEAD = READ_FOR_ALL | READ_FOR_EACH


class Kitchen:
    """What every rendering of a process needs."""

    def __init__(
        self, schema: GraphQLSchema, services: Services, *, hide_suggestions: bool
    ) -> None:
        self.schema = schema
        self.services = services
        """Those of the live side: the connections of the operations may all be taken."""
        self.hide_suggestions = hide_suggestions
        self._readings: WeakKeyDictionary[Reading, Loaders] = WeakKeyDictionary()

    def plan(self, prepared: Prepared) -> Fill | None:
        """How the results of a subscription are filled in; worked out once for each document."""
        document, operation = prepared.document, prepared.operation
        key = (id(operation),)
        if key not in document.memo.plans:
            fragments = {
                node.name.value: node
                for node in document.ast.definitions
                if isinstance(node, FragmentDefinitionNode)
            }
            document.memo.plans[key] = plan_event(operation, Within(self.schema, fragments))
        found: Fill | None = document.memo.plans[key]
        return found

    def loaders_of(self, reading: Reading, fields: frozenset[str]) -> Loaders:
        """Loaders that read once what all who are told of a reading ask for."""
        found = self._readings.get(reading)
        if found is None:
            found = self._readings[reading] = new_loaders(self.services, None, fields)
        return found


class _Shared:
    """What has been read for those who are told of a signal at the same time."""

    __slots__ = ("is_ready", "loaders")

    def __init__(self, loaders: Loaders) -> None:
        self.loaders = loaders
        self.is_ready = False


class Rendering:
    """One subscription's, for one viewer or for everybody: a ``realtime.source.Render``."""

    __slots__ = ("_fill", "_kitchen", "_prepared", "_viewer", "_wanted")

    def __init__(self, kitchen: Kitchen, prepared: Prepared, viewer: Viewer | None) -> None:
        self._kitchen = kitchen
        self._prepared = prepared
        self._viewer = viewer
        self._wanted = SOURCES[root_field(prepared.operation, prepared.document.ast)]
        self._fill = kitchen.plan(prepared)

    def __call__(self, signal: Any, together: Together) -> bytes | Awaitable[bytes] | None:
        """The result for a signal, or the promise of it; None where it is not one for this
        subscription. The promise raises UNAVAILABLE rather than tell a part of it.
        """
        root = self._wanted(signal)
        return None if root is None else self.render(root, signal, together)

    def render(self, root: Any, signal: Any, together: Together) -> bytes | Awaitable[bytes]:
        """The same for what the subscription wants of the signal."""
        shared = self._shared(signal, together)
        context = self._context(shared.loaders)
        if self._fill is not None and (shared.is_ready or not self._reads_ahead(signal)):
            try:
                return to_json({"data": self._fill(root, context)})
            except Exception:  # noqa: S110
                # What is wrong with it, if anything, is for graphql-core to find and to say, and
                # where.
                pass
        return self._execute(root, signal, context, shared)

    async def _execute(self, root: Any, signal: Any, context: Context, shared: _Shared) -> bytes:
        prepared = self._prepared
        document, request = prepared.document, prepared.request
        if isinstance(signal, EventRecord) and signal.message is not None:
            await context.loaders.prepare([signal.message], document.fields)
            shared.is_ready = document.fields.isdisjoint(READ_FOR_EACH)
        outcome = execute(
            self._kitchen.schema,
            document.ast,
            root_value=root,
            context_value=context,
            variable_values=dict(request.variables),
            operation_name=request.operation_name,
            executor_class=PlanningExecutor,
            hide_suggestions=self._kitchen.hide_suggestions,
        )
        result = outcome if isinstance(outcome, ExecutionResult) else await outcome
        for error in result.errors or ():
            cause = cause_of(error)
            if isinstance(cause, Refusal) and cause.code is ErrorCode.UNAVAILABLE:
                raise cause
        return encoded(result, prepared)

    def _reads_ahead(self, signal: Any) -> bool:
        """Whether the signal shows a message with more than is in its own row."""
        return (
            isinstance(signal, EventRecord)
            and signal.message is not None
            and not self._prepared.document.fields.isdisjoint(AHEAD)
        )

    def _shared(self, signal: Any, together: Together) -> _Shared:
        fields = self._prepared.document.fields
        shared: _Shared | None = together.get(fields)
        if shared is None:
            if isinstance(signal, IN_AN_INBOX):
                loaders = self._kitchen.loaders_of(signal.reading, fields)
            else:
                loaders = new_loaders(self._kitchen.services, None, fields)
            shared = together[fields] = _Shared(loaders)
        return shared

    def _context(self, loaders: Loaders) -> Context:
        viewer, document = self._viewer, self._prepared.document
        if viewer is not None:
            loaders = loaders.beside(viewer.id, is_client=viewer.is_client)
        return Context(
            self._kitchen.services, viewer, loaders, document.memo, fields=document.fields
        )
