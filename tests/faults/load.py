"""Clients as they should be: they send again what has no answer and come back with their cursor."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import httpx

from tests.faults.fleet import Fleet, Server
from tests.faults.followers import Follower, SocketFollower, StreamFollower, numbers
from tests.faults.record import Call, Heard, Outcome, Record
from tests.faults.size import SIZE
from tests.realtime.following import place
from tests.world import Person, until

SEND = """
mutation ($input: SendMessageInput!) { sendMessage(input: $input) { message { id } } }
"""

OPEN_QUESTION = {"UNAVAILABLE", "INTERNAL"}
"""Refusals after which the message may be there: the connection may have broken at the commit."""

F = TypeVar("F", bound=Follower)


class Load:
    """A channel with senders and followers on several servers, and the record of what they do."""

    def __init__(self, fleet: Fleet, servers: Sequence[Server], channel_id: str) -> None:
        self.fleet = fleet
        self.servers = list(servers)
        """Where senders and followers go; take out what is known to be down."""
        self.channel_id = channel_id
        self.record = Record()
        self.padding = ""
        """What every message says after its client id and a space."""
        self.followers: list[Follower] = []
        self._sending: list[asyncio.Task[None]] = []
        self._following: list[asyncio.Task[None]] = []
        self._cursor = ""

    @classmethod
    @asynccontextmanager
    async def on(
        cls,
        fleet: Fleet,
        servers: Sequence[Server],
        *,
        followers: int,
        senders: int = 0,
        members: Sequence[Person] = (),
    ) -> AsyncIterator["Load"]:
        """Everybody is in place when the block begins; ``followers`` are for each server.

        The second on each server follows over HTTP, the others on sockets.
        """
        carol = fleet.person("carol", servers[0])
        always = [fleet.person(key, servers[0]) for key in ("dave", "erin", "bob")]
        channel = await carol.create_channel(*always, *members)
        load = cls(fleet, servers, channel)
        load._cursor = await carol.cursor(channel)
        try:
            for number in range(followers):
                follow = load.follow_over_http if number == 1 else load.follow
                for server in servers:
                    follow(f"{number} on {server.port}", server)
            await load.settled()
            load.send(senders)
            yield load
        finally:
            await load._end(load._sending)
            await load._end(load._following)

    def follow(
        self,
        name: str,
        preferred: Server | None = None,
        *,
        person: Person | None = None,
        stays: bool = True,
        cursor: str | None = None,
        **options: Any,
    ) -> SocketFollower:
        """One more follower, from this cursor on or from the beginning of the load."""
        return self._started(
            SocketFollower(*self._told(name, preferred, person, stays, cursor), **options)
        )

    def follow_over_http(
        self,
        name: str,
        preferred: Server | None = None,
        *,
        person: Person | None = None,
        stays: bool = True,
    ) -> StreamFollower:
        """One more, from the beginning of the load, without a socket."""
        return self._started(StreamFollower(*self._told(name, preferred, person, stays, None)))

    def _told(
        self,
        name: str,
        preferred: Server | None,
        person: Person | None,
        stays: bool,
        cursor: str | None,
    ) -> tuple[Callable[[], Sequence[Server]], Person, str, str, Heard]:
        """What every follower has to know."""

        def servers() -> Sequence[Server]:
            first = [preferred] if preferred and not preferred.child.has_ended else []
            return [*first, *(each for each in self.servers if each is not preferred)]

        cursor = cursor or self._cursor
        heard = Heard(name, place(self.channel_id, cursor).position, stays=stays)
        person = person or self.fleet.person("dave", self.servers[0])
        return servers, person, self.channel_id, cursor, heard

    def _started(self, follower: F) -> F:
        self.record.heard.append(follower.heard)
        self.followers.append(follower)
        self._following.append(asyncio.create_task(follower.run()))
        return follower

    async def settled(self, seconds: float = 30.0) -> None:
        """Return when every follower is connected."""
        async with asyncio.timeout(seconds):
            for follower in self.followers:
                await follower.is_live.wait()

    def send(self, senders: int, pace: float = SIZE.pace, key: str = "carol") -> None:
        """Begin to send: one message after the other from each sender."""
        for number in range(senders):
            self._sending.append(asyncio.create_task(self._send_on(number, pace, key)))

    async def stop_sending(self) -> None:
        """Let every sender finish its message."""
        sending, self._sending = self._sending, []
        for task in sending:
            task.cancel()
        await asyncio.gather(*sending, return_exceptions=True)

    async def _send_on(self, number: int, pace: float, key: str) -> None:
        for turn in itertools.count(number):
            if self.servers:
                server = self.servers[turn % len(self.servers)]
                # A message under way is finished, so that its outcome is known as it would be.
                sending = asyncio.ensure_future(self.say(server, key))
                try:
                    await asyncio.shield(sending)
                except asyncio.CancelledError:
                    await sending
                    raise
            await asyncio.sleep(pace)

    async def say(self, server: Server, key: str = "carol") -> Call:
        """Send one message by way of this server, and note what became of it."""
        client_id = f"m{next(numbers)}"
        call = Call(client_id, key, time.monotonic())
        self.record.calls[client_id] = call
        await self._attempt(server, call)
        return call

    async def _attempt(self, server: Server, call: Call) -> None:
        person = self.fleet.person(call.sender, server)
        input = {
            "channelId": self.channel_id,
            "content": f"{call.client_id} {self.padding}",
            "clientMessageId": call.client_id,
        }
        try:
            response = await person.respond(SEND, {"input": input})
            answer = response.json()
        except httpx.ConnectError:
            # Only if it never had an answer: this one certainly was not taken.
            if call.attempts == 1:
                call.outcome = Outcome.REFUSED
                call.code = "CONNECTION"
        except (httpx.TransportError, ValueError) as error:
            call.code = type(error).__name__
        else:
            if answer.get("errors"):
                call.code = answer["errors"][0]["extensions"]["code"]
                if call.code not in OPEN_QUESTION and call.attempts == 1:
                    call.outcome = Outcome.REFUSED
            else:
                call.outcome = Outcome.OK
                call.message_id = answer["data"]["sendMessage"]["message"]["id"]
        call.answered_at = time.monotonic()

    async def delivered(self, calls: Sequence[Call], seconds: float) -> None:
        """Return when every follower that stays has been given these."""
        wanted = {call.client_id for call in calls}

        def all_there() -> bool:
            return all(wanted <= heard.said for heard in self.record.heard if heard.stays)

        await until(all_there, seconds)

    def slowest(self) -> float:
        """The longest that an acknowledged message took to a follower, in seconds."""
        answered = {call.client_id: call.answered_at for call in self.record.acknowledged()}
        return max(
            delivery.at - answered[delivery.content]
            for heard in self.record.heard
            for delivery in heard.deliveries
            if delivery.content in answered
        )

    def senders_seen(self) -> set[str]:
        """The names of senders, as any follower was shown them."""
        return set().union(*(follower.names for follower in self.followers))

    def interruptions(self) -> int:
        """How often a follower had to do anything to go on."""
        return sum(len(each.closes) + len(each.refusals) for each in self.followers)

    async def settle(self, seconds: float = 10.0) -> None:
        """Stop sending, send again what has no clear answer, and wait until all have all.

        Every third is not sent again: it may have arrived, once, or not at all.
        Some that were acknowledged are sent again too, which must change nothing.
        """
        await self.stop_sending()
        unclear = [c for c in self.record.calls.values() if c.outcome is Outcome.UNKNOWN]
        for number, call in enumerate(unclear):
            if number % 3 < 2:
                await self._again(call)
        for call in self.record.acknowledged()[::10]:
            known = call.message_id
            await self._again(call)
            assert call.message_id == known, "sent again, it became another message"
        head = (await self.fleet.truth(self.channel_id)).head
        await until(lambda: all(h.position >= head for h in self.record.heard if h.stays), seconds)
        await self._end(self._following)

    async def _again(self, call: Call) -> None:
        answered_at = call.answered_at
        call.outcome = Outcome.UNKNOWN
        async with asyncio.timeout(10):
            for server in itertools.cycle(self.servers):
                call.attempts += 1
                await self._attempt(server, call)
                if call.outcome is Outcome.OK:
                    call.answered_at = answered_at
                    return
                await asyncio.sleep(0.05)

    async def _end(self, tasks: list[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, Exception):
                raise result
        tasks.clear()
