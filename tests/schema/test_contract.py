"""The schema is what was promised: a part of the contract, word for word."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import (
    DocumentNode,
    FieldDefinitionNode,
    InputValueDefinitionNode,
    Node,
    TypeDefinitionNode,
    UnionTypeDefinitionNode,
    parse,
    print_ast,
)

import schema
from schema import printed

Field = FieldDefinitionNode | InputValueDefinitionNode

CONTRACT = Path(__file__).with_name("contract.graphql")
COMMITTED = Path(schema.__file__).with_name("schema.graphql")

ADDITIONS = {
    "Attachment.thumbnailUrl",
    "CreateUploadInput.durationSeconds",
    "MemberJoined.memberCount",
    "MemberLeft.memberCount",
    "Message.lastReply",
    "MessageDeleted.message",
    "MessageSearchOrder",
    "MessageSearchOrder.NEWEST",
    "MessageSearchOrder.RELEVANCE",
    "Query.searchMessages.orderBy",
    "ReactionAdded.message",
    "ReactionRemoved.message",
    "Mutation.setReadReceipts",
    "Mutation.setReadReceipts.enabled",
    "Viewer.sendsReadReceipts",
}
"""What is in the schema and not in the contract, which may grow: each as ``promises`` names it."""


def promises(document: DocumentNode) -> Iterator[tuple[str, str]]:
    """Each thing that clients can rely on, by its name, in one form."""
    types = [node for node in document.definitions if isinstance(node, TypeDefinitionNode)]
    assert len(types) >= len(document.definitions) - 1, "types, and perhaps the schema itself"
    fields = {(type.name.value, name): field for type in types for name, field in _fields(type)}
    for type in types:
        owner = type.name.value
        yield owner, f"{type.kind} {_description(type)!r}"
        interfaces = [each.name.value for each in getattr(type, "interfaces", None) or ()]
        for interface in interfaces:
            yield f"{owner} implements {interface}", ""
        for value in getattr(type, "values", None) or ():
            yield f"{owner}.{value.name.value}", repr(_description(value))
        if isinstance(type, UnionTypeDefinitionNode):
            for member in type.types or ():
                yield f"{owner} = {member.name.value}", ""
        for name, field in _fields(type):
            # What an interface says of its field holds for those who implement it.
            said = [_description(field), *(_said(fields.get((i, name))) for i in interfaces)]
            yield from _field(f"{owner}.{name}", field, next(filter(None, said), None))


def _fields(type: TypeDefinitionNode) -> list[tuple[str, Field]]:
    return [(field.name.value, field) for field in getattr(type, "fields", None) or ()]


def _field(name: str, field: Field, description: str | None) -> Iterator[tuple[str, str]]:
    default = getattr(field, "default_value", None)
    written = f" = {print_ast(default)}" if default else ""
    yield name, f"{print_ast(field.type)}{written} {description!r}"
    for argument in getattr(field, "arguments", None) or ():
        yield from _field(f"{name}.{argument.name.value}", argument, _description(argument))


def _said(field: Field | None) -> str | None:
    return _description(field) if field else None


def _description(node: Node) -> str | None:
    description = getattr(node, "description", None)
    return " ".join(description.value.split()) if description else None


CONTRACTED = dict(promises(parse(CONTRACT.read_text())))
OURS = dict(promises(parse(printed())))

CONTRACTED_OBJECTS = {
    name
    for name, promise in CONTRACTED.items()
    if promise.startswith(("object_type_definition", "interface_type_definition"))
}
"""These grow as fields come to work; everything else comes all at once."""


def test_the_committed_schema_is_the_one_that_is_served() -> None:
    """If this fails: backchannel export-schema."""
    assert COMMITTED.read_text() == printed()


@pytest.mark.parametrize("name", OURS)
def test_each_name_type_default_and_description_is_the_contract_s(name: str) -> None:
    if name in ADDITIONS:
        assert name not in CONTRACTED, "promised by now: no addition any more"
    else:
        assert OURS[name] == CONTRACTED.get(name)


def test_every_addition_is_there() -> None:
    assert OURS.keys() >= ADDITIONS


def test_what_is_there_is_there_as_a_whole() -> None:
    """A field without one of its arguments, or an enum without one of its values, is a stub."""
    for name in CONTRACTED:
        owner, _, last = name.rpartition(".")
        if owner in OURS and owner not in CONTRACTED_OBJECTS:
            assert name in OURS, f"{owner} lacks {last}"
