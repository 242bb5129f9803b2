"""Whatever is asked, and whatever the records give, an answer has the same bytes with plans and
without: each way of writing a document of the whole schema, on records that are made up.

BACKCHANNEL_TEST_DOCUMENTS says how many documents are tried; by default it is fifty.
"""

import asyncio
import gc
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from random import Random
from typing import Any

import pytest
from graphql import (
    Executor,
    FieldNode,
    GraphQLAbstractType,
    GraphQLEnumType,
    GraphQLObjectType,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    is_composite_type,
    parse,
    visit,
)
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from execution.engine import Engine
from execution.rendering import Rendering
from execution.requests import Prepared, Request
from realtime.source import settled
from resolvers.services import Rules, Services
from schema import graphql_schema
from schema.documents import root_field
from schema.errors import Rejected
from tests.execution.made_up import SUBSCRIPTION, Tale, everything_made_up
from tests.execution.written import Written
from tests.walk import Examples, places, root_fields, whole

# graphql-core itself leaves promises alone whose neighbour has failed at once.
pytestmark = pytest.mark.filterwarnings(
    "ignore:coroutine '.*' was never awaited:RuntimeWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning",
)

DOCUMENTS = int(os.environ.get("BACKCHANNEL_TEST_DOCUMENTS", "50"))

ANYTHING: Examples = {
    **dict.fromkeys(("ID", "String"), "a word"),
    "Int": 1,
    "Boolean": True,
    "DateTime": "2026-11-20T09:30:00Z",
}

OPERATIONS = [
    (operation, name)
    for operation in ("query", "mutation", "subscription")
    for name in root_fields(operation)
]


class Nobody:
    """A server that nobody asks for anything: fields answer by themselves."""

    def __getattr__(self, name: str) -> "Nobody":
        return self

    def __call__(self) -> None:
        """Whatever is to be done."""


class Log:
    """What is said to the log about errors, which clients are not told all of."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def error(self, *said: Any, **more: Any) -> None:
        self.lines.append(f"{said} {more}")

    info = error


@dataclass(frozen=True)
class Answers:
    """What a document gives, with what the log says."""

    planned: tuple[bytes, list[str]]
    again: tuple[bytes, list[str]]
    """The second time: everything about the document is known."""
    plain: tuple[bytes, list[str]]
    plans: int

    @property
    def are_the_same(self) -> bool:
        """Byte by byte."""
        return self.planned == self.again == self.plain


Ask = Callable[[str, dict[str, Any], Tale], Answers]


@pytest.fixture(scope="module")
def ask() -> Iterator[Ask]:
    """Asks for a document by plans, and without, when records give what the tale says."""
    each_of = {each.name: Nobody() for each in fields(Services)}
    services = Services(**{**each_of, "rules": Rules()})  # type: ignore[arg-type]
    with everything_made_up() as begin, pytest.MonkeyPatch.context() as patch:

        def asked(
            document: str, variables: dict[str, Any], tale: Tale, times: int
        ) -> Iterator[tuple[tuple[bytes, list[str]], Prepared]]:
            engine = Engine(graphql_schema(), services, introspection=True)
            prepared = engine.prepare(Request(document, variables, None, "request"))

            async def run() -> bytes:
                if prepared.is_subscription:
                    root = SUBSCRIPTION.fields[
                        root_field(prepared.operation, prepared.document.ast)
                    ]
                    event = tale.event(root)
                    found = await settled(
                        Rendering(engine._kitchen, prepared, None).render(event, event, {})
                    )
                    assert found is not None
                    return found
                operation = prepared.operation.operation.value
                begin(tale.root(getattr(graphql_schema(), f"{operation}_type")))
                return await engine.execute(prepared, None)

            for _ in range(times):
                log = Log()
                patch.setattr("schema.errors.log", log)
                yield (asyncio.run(run()), log.lines), prepared

        def answers(document: str, variables: dict[str, Any], tale: Tale) -> Answers:
            (planned, _), (again, prepared) = asked(document, variables, tale, 2)
            plans = sum(plan is not None for plan in prepared.document.memo.plans.values())
            with patch.context() as without:
                without.setattr("execution.engine.PlanningExecutor", Executor)
                without.setattr("execution.rendering.PlanningExecutor", Executor)
                without.setattr("execution.rendering.plan_event", lambda *_: None)
                ((plain, _),) = asked(document, variables, tale, 1)
            return Answers(planned, again, plain, plans)

        yield answers
    # What was never awaited is told of when it is collected: here, where it is known of.
    gc.collect()


@pytest.mark.parametrize(("operation", "name"), OPERATIONS)
def test_every_field_below_a_root_is_the_same_by_plan(ask: Ask, operation: str, name: str) -> None:
    document = whole(operation, name, ANYTHING, page=2)
    root: GraphQLObjectType = getattr(graphql_schema(), f"{operation}_type")
    type = get_named_type(root.fields[name].type)
    is_union = isinstance(type, GraphQLAbstractType)
    for member in range(len(graphql_schema().get_possible_types(type)) if is_union else 1):
        good = ask(document, {}, Tale(seed=1, nothing=0.0, member=member))
        assert good.are_the_same
        assert b'"errors"' not in good.plain[0]
        assert b"null" not in good.plain[0]
        assert good.plans or not is_composite_type(type)
        # The more there is, the less may go wrong that something is left of it.
        for trouble in (0.1, 0.003):
            assert ask(document, {}, Tale(2, trouble, 0.1, member=member)).are_the_same


def test_every_field_of_the_schema_is_below_a_root() -> None:
    types = graphql_schema()
    known = TypeInfo(types)
    compared: set[tuple[str, str]] = set()

    class Collect(Visitor):
        def enter_field(self, node: FieldNode, *_: Any) -> None:
            parent = known.get_parent_type()
            assert parent is not None
            compared.add((parent.name, node.name.value))

    for operation, name in OPERATIONS:
        ast = parse(whole(operation, name, ANYTHING))
        visit(ast, TypeInfoVisitor(known, Collect()))
    every = {
        (type.name, name)
        for type in types.type_map.values()
        if isinstance(type, GraphQLObjectType) and not type.name.startswith("__")
        for name in type.fields
    }
    assert every - compared == set()


def test_every_argument_below_a_root_is_the_same_by_plan_in_place_and_by_variable(ask: Ask) -> None:
    below = [place for place in places() if len(place.steps) > 1]
    assert below
    for place in below:
        type = graphql_schema().type_map[place.type]
        value = [*type.values][-1] if isinstance(type, GraphQLEnumType) else ANYTHING[place.type]
        # Two lists may have the same length by chance.
        for seed in range(6):
            tale = Tale(seed, nothing=0.0)
            assert ask(place.by_literal(ANYTHING, value), {}, tale).are_the_same, str(place)
            assert ask(*place.by_variable(ANYTHING, value), tale).are_the_same, str(place)


@pytest.mark.timeout(60 + DOCUMENTS)
@settings(max_examples=DOCUMENTS)
@given(
    document=st.integers(0, 2**32),
    seed=st.integers(0, 2**32),
    trouble=st.sampled_from((0.0, 0.02, 0.1)),
    late=st.sampled_from((0.0, 0.3)),
)
def test_any_document_gives_the_same_by_plan(
    ask: Ask, document: int, seed: int, trouble: float, late: float
) -> None:
    written = Written.at_random(Random(document))
    try:
        answers = ask(written.text, written.variables, Tale(seed, trouble, late))
    except Rejected:
        # Two members of a union may have a field of the same name and of different types.
        assume(False)
        raise
    assert answers.are_the_same, (written.text, written.variables, answers)
