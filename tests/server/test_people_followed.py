"""Who is gone, or may do something else now, is so within five seconds of the write in MongoDB:
told of it or not, whatever they are connected with, on every server.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx
import pytest
from bson import ObjectId
from pymongo.errors import OperationFailure

import loaders.roster
from realtime.live import Live
from server import connections, sync
from server.settings import Settings
from server.sync import sync_once
from server.sync_settings import KINDS
from storage import directory_feed
from storage.directory import Directory
from storage.records import ChannelType
from tests.operations import denied, do
from tests.places import MEMBER, place
from tests.realtime.following import EVENTS
from tests.server.syncing import PROMISED, change, department, found, in_time, placed, places
from tests.servers import Fresh, Servers
from tests.streams import MULTIPART, SSE, Stream, stream
from tests.world import Operation, Person, RefusedError, Socket, World, until

ME = "{ viewer { user { id } } }"
SEES = "query ($id: ID!) { channel(id: $id) { id } }"


def _unsupported(*_: Any) -> Any:
    raise OperationFailure("The $changeStream stage is only supported on replica sets", 40573)


@dataclass
class Company:
    """Two servers of one company."""

    here: World
    there: World

    @property
    def servers(self) -> tuple[World, World]:
        return self.here, self.there

    async def hired(self, name: str, **document: Any) -> Person:
        """Somebody new, whose channels they are in already."""
        person = await self.here.new_person(name, **document)
        await sync_once(self.here.settings)
        return person

    async def role(self, *permissions: dict[str, Any]) -> ObjectId:
        role = ObjectId()
        await self.here.mongo.roles.insert_one(
            {"_id": role, "name": str(role), "permissions": list(permissions)}
        )
        return role

    async def channel(self, key: str) -> str:
        id: str = await self.here.database.fetchval(
            "select channel_id::text from directory_channels where key = $1", key
        )
        return id


@pytest.fixture(scope="module", params=[True, False], ids=["with change streams", "without"])
async def company(
    servers: Servers, fresh: Fresh, request: pytest.FixtureRequest
) -> AsyncIterator[Company]:
    """Where MongoDB tells of changes, and where it does not."""
    with pytest.MonkeyPatch.context() as patch:
        if not request.param:
            patch.setattr(Directory, "watch", _unsupported)
        # Nothing but being told makes a search look at everybody again.
        patch.setattr(loaders.roster, "REFRESH_SECONDS", 3600.0)
        async with (
            World.running(servers, fresh, directory_channels=KINDS) as here,
            here.another_server() as there,
        ):
            await until(lambda: there.services.live.bell.is_connected)
            yield Company(here, there)


@dataclass
class Connected:
    """All the ways in which somebody is connected to a server, following a channel on each."""

    person: Person
    socket: Socket
    follows: Operation
    streams: list[Stream] = field(default_factory=list)

    @classmethod
    async def to(
        cls, world: World, who: Person, channel: str, stack: AsyncExitStack
    ) -> "Connected":
        person = Person(world, who.key, who.id)
        socket = await stack.enter_async_context(person.socket())
        connected = cls(person, socket, await socket.subscribe(EVENTS, id=channel))
        for accept in (SSE, MULTIPART):
            connected.streams.append(
                await stack.enter_async_context(stream(person, EVENTS, accept, id=channel))
            )
        await person.run(ME)
        return connected

    async def is_out(self) -> None:
        """Return when they have nothing any more: connections ended with the right word, requests
        refused.
        """
        assert await self.socket.closed() == 4403
        for each in self.streams:
            # The channel may be lost before the right to be there at all.
            assert await _end_of(each) in ("FORBIDDEN", "UNAUTHENTICATED")
        await comes_to(self.person, ME, "UNAUTHENTICATED")

    async def has_lost_the_channel(self) -> None:
        """Return when every operation that follows the channel has ended, and only that."""
        while (message := await self.follows.message())["type"] == "next":
            pass
        assert message["payload"][0]["extensions"]["code"] == "FORBIDDEN"
        for each in self.streams:
            assert await _end_of(each) == "FORBIDDEN"
        await self.socket.settled()

    async def begins_anew(self) -> None:
        """Return when every connection has ended in a way after which clients come back."""
        assert await self.socket.closed() == 1012
        for each in self.streams:
            # The channel may be lost before.
            with suppress(httpx.RemoteProtocolError):
                assert await _end_of(each) == "FORBIDDEN"


async def _end_of(stream: Stream) -> str:
    """The code of the error with which the response ends."""
    *_, last = [event async for event in stream.events if event.data]
    return str(last.data["errors"][0]["extensions"]["code"])


async def comes_to(person: Person, query: str, code: str, **variables: Any) -> None:
    """Return when a request is refused with this code."""
    while True:
        result = await person.post(query, variables)
        if result.get("errors"):
            assert result["errors"][0]["extensions"]["code"] == code
            return
        await asyncio.sleep(0.02)


def test_what_waits_for_something_waits_so_little_that_there_is_time_left_to_do_it() -> None:
    """The sums of docs/security.md: a second is left for each find and each pass."""
    remembered = Settings.model_fields["session_cache_seconds"].default
    waits = {
        "requests, for what is remembered of a person": remembered,
        "requests, for what is remembered of a role": remembered,
        "connections, for the look at everybody connected": connections.WATCH_SECONDS,
        "memberships, for the pass under way": sync.PASS_SECONDS + sync.GATHER_SECONDS,
        "memberships, for the question": sync.ASK_SECONDS + sync.GATHER_SECONDS,
        "memberships, for a lost stream": directory_feed.AGAIN_SECONDS + sync.ASK_SECONDS,
        "memberships, for another process to lead": sync.FOLLOW_SECONDS + sync.SETTLE_SECONDS,
        "memberships, for a look that failed": sync.ASK_SECONDS + sync.AGAIN_SECONDS,
    }
    assert {what: seconds for what, seconds in waits.items() if seconds + 1 > PROMISED} == {}


SUPPORT = {"resource": "support", "actions": ["answer"]}


@pytest.mark.parametrize("how", ["disabled", "deleted"])
async def test_who_is_gone_loses_everything(company: Company, how: str) -> None:
    """Requests and connections of every kind, on every server, and every membership by rule."""
    here = company.here
    sales = await department(here, f"{how} people")
    ann = await company.hired("Ann", departmentId=sales, role=await company.role(SUPPORT))
    clients = [f"client:{here.ids[key]}" for key in ("frank", "grace")]
    assert await places(here, ann) == sorted([*clients, f"department:{sales}", "general"])
    channel = await company.channel(f"department:{sales}")
    async with AsyncExitStack() as stack:
        connected = [await Connected.to(world, ann, channel, stack) for world in company.servers]
        for world in company.servers:
            await world.followed(channel, 3)
        async with in_time():
            if how == "deleted":
                await here.mongo.users.delete_one({"_id": ObjectId(ann.id)})
            else:
                await change(here, ann, status="disabled")
            for each in connected:
                await each.is_out()
            await placed(here, ann, [])


async def test_who_is_gone_is_sent_away_by_servers_that_nobody_tells(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bell may be cut, and whoever keeps channels in step may have died with its machine."""
    monkeypatch.setattr(Live, "tell_directory", lambda *_: None)
    here = company.here
    ann = await here.new_person("Ann")
    channel = await here.carol.create_channel(ann)
    async with AsyncExitStack() as stack:
        connected = [await Connected.to(world, ann, channel, stack) for world in company.servers]
        async with in_time():
            await change(here, ann, status="disabled")
            await asyncio.gather(*(each.is_out() for each in connected))


@pytest.mark.parametrize("what", ["role", "permissions", "department", "client"])
async def test_a_change_of_what_somebody_is_takes_what_it_gave_them(
    company: Company, what: str
) -> None:
    """An agent of support, a member of a department: their channels by rule are those of what they
    are now, and what they followed ends.
    """
    here = company.here
    sales, service = await department(here), await department(here, "Service")
    agents = await company.role(SUPPORT)
    ann = await company.hired("Ann", departmentId=sales, role=agents)
    clients = sorted(f"client:{here.ids[key]}" for key in ("frank", "grace"))
    before = [*clients, f"department:{sales}", "general"]
    assert await places(here, ann) == before
    after = {
        "department": [*clients, f"department:{service}", "general"],
        "client": [f"client:{ann.id}"],
    }.get(what, [f"department:{sales}", "general"])
    [lost, *_] = sorted(set(before) - set(after))
    channel = await company.channel(lost)
    async with AsyncExitStack() as stack:
        connected = [await Connected.to(world, ann, channel, stack) for world in company.servers]
        for world in company.servers:
            await world.followed(channel, 3)
        async with in_time():
            if what == "role":
                await change(here, ann, role=await company.role())
            elif what == "permissions":
                await here.mongo.roles.update_one({"_id": agents}, {"$set": {"permissions": []}})
            elif what == "department":
                await change(here, ann, departmentId=service)
            else:
                await change(here, ann, isClient=True)
            for each in connected:
                await (each.begins_anew() if what == "client" else each.has_lost_the_channel())
            await placed(here, ann, after)
            for each in connected:
                assert await each.person.run(SEES, id=channel) == {"channel": None}


async def test_who_only_looks_on_is_sent_away_with_the_role_that_let_them(
    company: Company,
) -> None:
    """A super admin looks on in a department; an ordinary employee does not."""
    here = company.here
    sales = await department(here, "Looked upon")
    ann = await here.new_person("Ann", departmentId=sales)
    roles = {each["name"]: each["_id"] async for each in here.mongo.roles.find({})}
    boss = await company.hired("Boss", role=roles["super_admin"])
    channel = await company.channel(f"department:{sales}")
    async with AsyncExitStack() as stack:
        connected = [await Connected.to(world, boss, channel, stack) for world in company.servers]
        for world in company.servers:
            await world.followed(channel, 3)
        async with in_time():
            await change(here, boss, role=roles["employee"])
            for each in connected:
                await each.has_lost_the_channel()
        await ann.say(channel, "Among us")
        for each in connected:
            assert await each.person.run(SEES, id=channel) == {"channel": None}
            assert each.follows.is_silent


async def test_what_a_role_permits_follows_at_once(company: Company) -> None:
    role = await company.role({"resource": "channels", "actions": ["create"]})
    ann = await company.here.new_person("Ann", role=role)
    create = 'mutation { createChannel(input: { name: "One more" }) { channel { id } } }'
    people = [Person(world, ann.key, ann.id) for world in company.servers]
    for each in people:
        await each.run(create)
    async with in_time():
        await company.here.mongo.roles.update_one({"_id": role}, {"$set": {"permissions": []}})
        for each in people:
            await comes_to(each, create, "FORBIDDEN")


async def test_another_team_counts_at_once_for_whom_one_writes_to(company: Company) -> None:
    ann = await company.here.new_person("Ann")
    people = [Person(world, ann.key, ann.id) for world in company.servers]
    for each in people:
        assert await _writes_to_a_colleague(each) == "OK"
    async with in_time():
        await change(company.here, ann, teamId=ObjectId())
        for each in people:
            await _until(partial(_writes_to_a_colleague, each), "FORBIDDEN")


async def test_another_team_counts_at_once_for_whom_others_write_to_and_find(
    company: Company,
) -> None:
    name = f"Benedict{ObjectId()}"
    ben = await company.here.new_person(name)
    company.there.people_changed()
    for world in company.servers:
        assert await found(world.dave, name) == [ben.id]
    async with in_time():
        await change(company.here, ben, teamId=ObjectId())
        for world in company.servers:
            refusal = await denied(world.dave, "openDirectMessage", userIds=[ben.id])
            assert refusal.code == "FORBIDDEN"
            await _until(partial(found, world.dave, name), [])


async def test_another_department_counts_at_once_for_what_is_its_people_s_alone(
    company: Company,
) -> None:
    """A general channel of a department is found and read by its people."""
    here = company.here
    sales = await department(here)
    ann = await here.new_person("Ann", departmentId=sales)
    channel = await place(here, ChannelType.GENERAL, (here.carol, MEMBER), department_id=str(sales))
    look = partial(do, ann, "channel", "{ id }", id=channel)
    assert await look() == {"id": channel}
    async with ann.socket() as socket:
        looks = await socket.subscribe(EVENTS, id=channel)
        await here.followed(channel)
        async with in_time():
            await change(here, ann, departmentId=ObjectId())
            message = await looks.message()
            assert message["payload"][0]["extensions"]["code"] == "FORBIDDEN"
            assert await look() is None


async def _writes_to_a_colleague(person: Person) -> str:
    """Whether they may write to somebody of the first team, to whom they never wrote before."""
    other = await person.world.new_person("Colleague")
    try:
        await do(person, "openDirectMessage", userIds=[other.id])
    except RefusedError as refusal:
        return str(refusal.code)
    return "OK"


async def _until(ask: Callable[[], Awaitable[Any]], answer: Any) -> None:
    while await ask() != answer:  # noqa: ASYNC110
        await asyncio.sleep(0.02)
