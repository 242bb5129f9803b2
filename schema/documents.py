"""Documents: parsed, validated and understood once, however often they come."""

import gc
from dataclasses import dataclass, field

from cachetools import LRUCache
from graphql import (
    ASTValidationRule,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    InlineFragmentNode,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    OperationType,
    OverlappingFieldsCanBeMergedRule,
    TypeInfo,
    TypeInfoVisitor,
    ValuesOfCorrectTypeRule,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    parse,
    specified_rules,
    validate,
    visit,
)
from graphql.language import VisitorAction

from schema.blame import BlamingValues, name_fields
from schema.context import Memo
from schema.fields import DEFINITION, is_shared, is_shared_inside
from schema.limits import MAX_CHARACTERS, MAX_TOKENS, TOO_DEEP, BoundedOverlaps, too_complex
from schema.measure import check_document
from storage.errors import Refusal, bad_input

MAX_ERRORS = 5
KEPT_CHARACTERS = 400_000
"""Of all documents together. Understood, a document takes a hundred times its text's memory."""
NEW_CHARACTERS = 100_000
"""Of those besides that have come only once: whoever sends one new document after the other
replaces these, and none that is in use."""

LONG = 1_000
"""Characters of a wrong document that is cleared away at once. graphql-core leaves its parts in
rings, which the garbage collector has to find: at once among the youngest objects it takes a few
milliseconds, and some documents later, among all, a hundred."""


@dataclass(slots=True)
class Document:
    """A valid document, and what was found out about it."""

    text: str
    ast: DocumentNode
    is_shared: bool
    """Whether it asks for nothing that depends on the viewer."""
    is_shared_inside: bool
    """Whether it asks for nothing that depends on which internal viewer it is."""
    fields: frozenset[str]
    """Every field's name that occurs anywhere in it."""
    costs: dict[str | None, int]
    """What each operation costs at most, by its name; see ``schema.measure``."""
    variables: frozenset[str]
    """Every variable that matters to a subscription's results: where it begins does not."""
    memo: Memo = field(default_factory=Memo)

    def operation(self, name: str | None) -> OperationDefinitionNode:
        """The operation to be done. Raises BAD_USER_INPUT when it is not clear which."""
        operations = [
            node for node in self.ast.definitions if isinstance(node, OperationDefinitionNode)
        ]
        if name is not None:
            operations = [node for node in operations if node.name and node.name.value == name]
        if len(operations) != 1:
            raise bad_input(
                "operationName",
                "The document has no such operation."
                if name is not None
                else "The document has several operations or none: name one.",
            )
        return operations[0]


class Invalid(Exception):
    """A document that cannot be run, and why."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__(errors)
        self.errors = errors


_OURS: dict[type[ASTValidationRule], type[ASTValidationRule]] = {
    ValuesOfCorrectTypeRule: BlamingValues,
    OverlappingFieldsCanBeMergedRule: BoundedOverlaps,
}


class Documents:
    """Every document lately used.

    What is wrong is not kept: there is no end of it.
    """

    def __init__(self, schema: GraphQLSchema, *, introspection: bool) -> None:
        self._schema = schema
        # Suggestions would spell the schema out, a guess at a time.
        self._hide_suggestions = not introspection
        self._rules = [_OURS.get(rule, rule) for rule in specified_rules]
        if not introspection:
            self._rules.append(NoSchemaIntrospectionCustomRule)
        self._known = _kept(KEPT_CHARACTERS)
        self._new = _kept(NEW_CHARACTERS)

    def get(self, text: str) -> Document:
        """The document of this text. Raises Invalid with what is wrong with it, and
        QUERY_TOO_COMPLEX.
        """
        known = self._known.get(text)
        if known is None:
            known = self._new.pop(text, None)
            if known is not None:
                self._known[text] = known
            else:
                known = self._new[text] = self._read_or_forget(text)
        return known

    def _read_or_forget(self, text: str) -> Document:
        try:
            return self._read(text)
        except (Invalid, Refusal):
            if len(text) > LONG:
                gc.collect(0)
            raise

    def _read(self, text: str) -> Document:
        if len(text) > MAX_CHARACTERS:
            raise too_complex(f"A document has at most {MAX_CHARACTERS:,} characters.")
        try:
            ast = _parsed(text)
            costs = check_document(self._schema, ast)
            errors = validate(
                self._schema,
                ast,
                self._rules,
                max_errors=MAX_ERRORS,
                hide_suggestions=self._hide_suggestions,
            )
        except RecursionError:
            raise too_complex(TOO_DEEP) from None
        if errors:
            name_fields(errors, ast)
            raise Invalid(errors)
        info = TypeInfo(self._schema)
        survey = _Survey(info)
        visit(ast, TypeInfoVisitor(info, survey))
        return Document(
            text,
            ast,
            survey.is_shared,
            survey.is_shared_inside,
            frozenset(survey.fields),
            costs,
            frozenset(survey.variables),
        )


def _kept(characters: int) -> LRUCache[str, Document]:
    return LRUCache(characters, getsizeof=lambda document: len(document.text))


def _parsed(text: str) -> DocumentNode:
    try:
        return parse(text, max_tokens=MAX_TOKENS)
    except GraphQLError as error:
        # The parser has no other word for its own limits; what clients write
        # comes later in its messages.
        if error.message.startswith("Syntax Error: Document contains more than"):
            raise too_complex(f"A document has at most {MAX_TOKENS:,} tokens.") from None
        if error.message.startswith("Syntax Error: Document is nested too deeply"):
            raise too_complex(TOO_DEEP) from None
        raise Invalid([error]) from None


class _Survey(Visitor):
    """Notes the fields of a document, and which variables matter below a subscription's root,
    and whether the viewer does.
    """

    def __init__(self, info: TypeInfo) -> None:
        super().__init__()
        self._info = info
        self.fields: set[str] = set()
        self.variables: set[str] = set()
        self.is_shared = self.is_shared_inside = True

    def enter_field(self, node: FieldNode, *_: object) -> VisitorAction:
        """Called by graphql-core for each field."""
        self.fields.add(node.name.value)
        definition = self._info.get_field_def()
        if definition and not self._is_at_root():
            ours = definition.extensions.get(DEFINITION)
            self.is_shared &= ours is None or is_shared(ours)
            self.is_shared_inside &= ours is None or is_shared_inside(ours)
        return None

    def enter_variable(
        self, node: VariableNode, _: object, parent: object, *__: object
    ) -> VisitorAction:
        """Called by graphql-core for each variable, where it is declared and where it is used."""
        is_argument_of_root = self._is_at_root() and not self._info.get_directive()
        if not is_argument_of_root and not isinstance(parent, VariableDefinitionNode):
            self.variables.add(node.name.value)
        return None

    def _is_at_root(self) -> bool:
        parent = self._info.get_parent_type()
        return parent is not None and parent.name == "Subscription"


def is_subscription(operation: OperationDefinitionNode) -> bool:
    """Whether the operation's results come one after the other."""
    return operation.operation is OperationType.SUBSCRIPTION


def root_field(operation: OperationDefinitionNode, ast: DocumentNode) -> str:
    """The name of a valid subscription's only root field."""
    fragments = {
        node.name.value: node
        for node in ast.definitions
        if isinstance(node, FragmentDefinitionNode)
    }
    selection = operation.selection_set.selections[0]
    while not isinstance(selection, FieldNode):
        inside = (
            fragments[selection.name.value]
            if isinstance(selection, FragmentSpreadNode)
            else selection
        )
        assert isinstance(inside, (FragmentDefinitionNode, InlineFragmentNode))
        selection = inside.selection_set.selections[0]
    return selection.name.value
