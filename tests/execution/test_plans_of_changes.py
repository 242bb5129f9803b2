"""What every mutation answers and every subscription tells has the same bytes by plans and
without them: the records are real ones, of one channel in which everything happens once.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from inspect import isawaitable
from typing import Any

import orjson
import pytest
from graphql import Executor, GraphQLAbstractType, GraphQLObjectType, get_named_type

from execution.engine import Engine
from execution.executor import PlanningExecutor
from execution.plans import plan_event
from execution.rendering import Rendering
from execution.requests import Prepared, Request
from realtime.inbox import InboxChannelRemoved
from realtime.source import settled
from resolvers.viewer import Viewer, sign_in
from schema import graphql_schema
from schema.subscription import SOURCES
from tests.end_to_end.house import EMOJI
from tests.files import begin
from tests.operations import do
from tests.walk import Examples, root_fields, whole
from tests.world import Person, World, until


@dataclass
class Past:
    """What has happened."""

    carol: Person
    """Who did it."""
    examples: Examples
    answers: dict[str, Any] = field(default_factory=dict)
    """What each mutation's resolver gave, or the exception that it raised."""
    signals: dict[str, list[Any]] = field(default_factory=dict)
    """What each subscription was told."""

    def remembering(self, name: str, resolve: Callable[..., Any]) -> Callable[..., Any]:
        """The resolver, whose answer is kept."""

        async def remember(*args: Any, **arguments: Any) -> Any:
            try:
                given = resolve(*args, **arguments)
                self.answers[name] = await given if isawaitable(given) else given
            except Exception as error:
                self.answers[name] = error
                raise
            return self.answers[name]

        return remember

    def hearing(self, name: str, wanted: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """The same of what a subscription makes of a signal."""

        def hear(signal: Any) -> Any:
            root = wanted(signal)
            if root is not None:
                self.signals.setdefault(name, []).append(signal)
            return root

        return hear


def root(operation: str) -> GraphQLObjectType:
    found: GraphQLObjectType = getattr(graphql_schema(), f"{operation}_type")
    return found


@pytest.fixture(scope="module")
async def past(world: World) -> Past:
    """Somebody follows all there is to follow and does all that can be done; last they leave."""
    head = await world.mongo.roles.find_one({"name": "department_head"})
    carol = await world.new_person("Carol", role=head["_id"])
    dave, erin, ivan = [await world.new_person(name) for name in ("Dave", "Erin", "Ivan")]
    channel = await carol.create_channel(dave, erin)
    message = await carol.say(channel, "Root", mentionedUserIds=[dave.id])
    form = await begin(carol, channel)
    await form.post(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj <<>> endobj\n")
    past = Past(
        carol,
        {
            "channelId": channel,
            "messageId": message,
            "deleteMessage.messageId": await carol.say(channel, "Not for long"),
            "joinChannel.channelId": await dave.create_channel(isPrivate=False),
            "userId": dave.id,
            "userIds": dave.id,
            "addMembers.userIds": ivan.id,
            "removeMember.userId": erin.id,
            "attachmentId": form.attachment_id,
            "emoji": EMOJI,
            "mimeType": "application/pdf",
            "String": "Words",
            "Int": 1,
            "Boolean": True,
        },
    )
    mutations, subscriptions = root("mutation").fields, root("subscription").fields
    with pytest.MonkeyPatch.context() as patch:
        for name, each in mutations.items():
            patch.setattr(each, "resolve", past.remembering(name, each.resolve))
        for name, wanted in SOURCES.items():
            patch.setitem(SOURCES, name, past.hearing(name, wanted))
        async with carol.socket() as socket:
            for name in subscriptions:
                await socket.subscribe(whole("subscription", name, past.examples, page=2))
            of_channel = sum("channelId" in each.args for each in subscriptions.values())
            await world.followed(channel, of_channel)
            watched = world.services.live.watches.by_person
            await until(lambda: dave.id in watched and "inbox" in past.signals)
            await do(dave, "setTyping", "", channelId=channel)
            await do(dave, "markRead", channelId=channel)
            await do(dave, "setPresence", "{ status }", status="BUSY")
            for name in sorted(mutations, key=lambda name: name == "leaveChannel"):
                document = whole("mutation", name, past.examples, page=2)
                assert (await carol.respond(document)).status_code == 200
            await until(
                lambda: (
                    past.signals.keys() == subscriptions.keys()
                    # Not the last: what else has changed is told when its moment is over.
                    and InboxChannelRemoved in map(type, past.signals["inbox"])
                )
            )
    # Carol has left, and sees no more of what she has done.
    await do(dave, "addMembers", channelId=channel, userIds=[carol.id])
    return past


Same = Callable[[str, Callable[[Engine, Prepared, Viewer], Awaitable[bytes]]], Awaitable[bytes]]


@pytest.fixture
async def same(world: World, past: Past, monkeypatch: pytest.MonkeyPatch) -> Same:
    """What is done with a document gives, which is the same by plans and without."""
    # A link is signed for the second in which it is asked for.
    now = datetime(2026, 11, 21)  # noqa: DTZ001
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: now)
    viewer = await sign_in(world.services, past.carol.id, 60)

    async def run(
        document: str, doing: Callable[[Engine, Prepared, Viewer], Awaitable[bytes]]
    ) -> bytes:
        given = []
        for executor, plan in ((Executor, lambda *_: None), (PlanningExecutor, plan_event)):
            monkeypatch.setattr("execution.engine.PlanningExecutor", executor)
            monkeypatch.setattr("execution.rendering.PlanningExecutor", executor)
            monkeypatch.setattr("execution.rendering.plan_event", plan)
            engine = Engine(graphql_schema(), world.services, introspection=True)
            prepared = engine.prepare(Request(document, {}, None, "request"))
            given.append(await doing(engine, prepared, viewer))
        assert given[0] == given[1]
        return given[0]

    return run


@pytest.mark.parametrize("name", root_fields("mutation"))
async def test_what_a_mutation_answers_is_the_same_by_plan(
    past: Past, same: Same, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    answer = past.answers[name]

    def resolve(*_: Any, **__: Any) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(root("mutation").fields[name], "resolve", resolve)
    given = await same(
        whole("mutation", name, past.examples, page=2),
        lambda engine, prepared, viewer: engine.execute(prepared, viewer),
    )
    # A session is renewed over a socket only.
    assert (b'"errors"' in given) == (name == "renewSession"), given


@pytest.mark.parametrize("name", root_fields("subscription"))
async def test_what_a_subscription_tells_is_the_same_by_plan(
    past: Past, same: Same, name: str
) -> None:
    told = []
    each_kind = {getattr(signal, "kind", type(signal)): signal for signal in past.signals[name]}
    for signal in each_kind.values():

        async def render(
            engine: Engine, prepared: Prepared, viewer: Viewer, signal: Any = signal
        ) -> bytes:
            rendering = Rendering(engine._kitchen, prepared, viewer)
            found = await settled(rendering.render(SOURCES[name](signal), signal, {}))
            assert found is not None
            return found

        given = await same(whole("subscription", name, past.examples, page=2), render)
        told.append(orjson.loads(given)["data"][name])
    assert all(told)
    given_type = get_named_type(root("subscription").fields[name].type)
    if isinstance(given_type, GraphQLAbstractType):
        kinds = {kind.name for kind in graphql_schema().get_possible_types(given_type)}
        assert {event["__typename"] for event in told} == kinds
