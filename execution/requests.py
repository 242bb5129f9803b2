"""Requests: what clients ask for, and what is understood of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import OperationDefinitionNode, OperationType

from schema.documents import Document, is_subscription
from schema.persisted import Named

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
