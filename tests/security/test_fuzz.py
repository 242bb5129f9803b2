"""Thousands of operations out of a grammar of the whole schema, as each kind of person.

A few hundred of them here; ``scripts/fuzz`` asks for more, from another seed each time.
"""

import asyncio
import gc
import os
import re
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest
from structlog.testing import capture_logs

from schema import graphql_schema
from storage.errors import ErrorCode
from storage.records import ChannelType
from tests.places import MEMBER, OWNER, place
from tests.security.conftest import NOTES
from tests.security.grammar import NOWHERE, Asked, Grammar, Words
from tests.servers import Fresh, Servers
from tests.world import Person, Socket, World

OPERATIONS = int(os.environ.get("BACKCHANNEL_TEST_FUZZ_OPERATIONS", "15"))
SEED = os.environ.get("BACKCHANNEL_TEST_FUZZ_SEED", "1")
KINDS = ["client", "another client", "internal", "intern", "admin", "super admin", "nobody", "gone"]
SECRET = "Xyzzy"
"""In every text that none of them may read."""
PERSONAL = "Plugh"
"""In every text about people whom no client may see."""
CODES = set(ErrorCode) - {ErrorCode.INTERNAL, ErrorCode.UNAVAILABLE, ErrorCode.RATE_LIMITED}
_IDS = re.compile(r'"__typename": ?"(Channel|Message|Attachment)"[^{}]*?"id": ?"([^"]+)"')
_CURSORS = re.compile(r'ursor\d*": ?"([\w-]+)"')
KEPT = 300
TRIES = 8


@dataclass
class Ground:
    """A company with something in it that nobody who asks may see."""

    world: World
    people: dict[str, Person | None]
    ids: dict[str, list[str]]
    """Of everything there is, secret or not, by what they are of."""
    of_clients: dict[str, list[str]]
    """What insiders do not know of: they may bring clients together with anybody."""


@pytest.fixture(scope="module")
async def ground(servers: Servers, fresh: Fresh) -> AsyncIterator[Ground]:
    # The embedded MongoDB goes through everybody, and eight ask at once.
    async with World.running(servers, fresh, database_timeout=30) as world:
        hidden = [
            await world.new_person(f"Selma {PERSONAL}", email=f"{PERSONAL}@example.com"),
            await world.new_person(f"Sven {PERSONAL}", avatar=f"https://{PERSONAL}.example.com"),
        ]
        selma, sven = hidden
        client = await world.new_person("Client Clara", isClient=True, role=None)
        secret = await selma.create_channel(
            sven, name=f"{SECRET} plans", topic=f"{SECRET} topic", isPrivate=True
        )
        message = await selma.say(secret, f"{SECRET} words", mentionedUserIds=[sven.id])
        reply = await sven.say(secret, f"{SECRET} reply", parentId=message)
        dm = await place(world, ChannelType.DM, (selma, MEMBER), (sven, MEMBER))
        told = await selma.say(dm, f"{SECRET} whisper")
        support = await place(
            world, ChannelType.CLIENT_SUPPORT, (selma, OWNER), (world.grace, MEMBER)
        )
        await world.grace.say(support, f"{PERSONAL} complaint")
        channels, messages = [secret, dm], [message, reply, told]
        open_to = (world.dave, world.ivan, world.alice, client, world.bob)
        for is_private in (True, False):
            members = open_to if is_private else (world.dave, world.bob)
            channel = await world.carol.create_channel(*members, isPrivate=is_private)
            said = await world.dave.say(channel, "Hello", mentionedUserIds=[world.carol.id])
            channels += [channel] * 3
            messages += [said, said, await world.dave.say(channel, "A reply", parentId=said)]
        people: dict[str, Person | None] = dict(
            zip(
                KINDS,
                (
                    *(client, world.frank, world.dave, world.ivan, world.carol, world.alice),
                    *(None, world.zoe),
                ),
                strict=True,
            )
        )
        users = [person.id for person in people.values() if person]
        ids = {"channel": channels, "message": messages, "user": users, "attachment": NOWHERE}
        of_clients = {"channel": [support], "user": [person.id for person in hidden]}
        yield Ground(world, people, ids, of_clients)


@dataclass
class Findings:
    """What went wrong, and how much was asked."""

    wrong: list[str] = field(default_factory=list)
    codes: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)

    def look(self, kind: str, asked: Asked, text: str, result: Any, status: int = 200) -> None:
        """Look at one answer."""
        self.kinds[kind] += 1
        problems = []
        if status >= 500:
            problems.append(f"status {status}")
        errors = result.get("errors", [])
        for error in errors:
            code = error["extensions"]["code"]
            self.codes[code] += 1
            if code not in CODES:
                problems.append(f"code {code}")
        if not errors:
            self.codes["OK"] += 1
        if SECRET in text or (PERSONAL in text and "client" in kind):
            problems.append("a secret is told")
        if kind in ("nobody", "gone") and any((result.get("data") or {}).values()):
            problems.append("a stranger is told something")
        if problems:
            self.wrong.append(
                f"{kind}: {problems}\n{asked.query}\n{asked.variables}\n{text[:2000]}"
            )

    def summary(self) -> str:
        """How much was asked, and what came of it."""
        asked = ", ".join(f"{kind} {count:,}" for kind, count in self.kinds.items())
        came = ", ".join(f"{code} {count:,}" for code, count in self.codes.most_common())
        return (
            f"Seed {SEED}: {sum(self.kinds.values()):,} answers ({asked}).\n"
            f"What came of them: {came}. Wrong: {len(self.wrong)}."
        )


class Fuzzer:
    """One person who asks whatever comes to mind, and learns from what is answered."""

    def __init__(self, ground: Ground, kind: str, findings: Findings) -> None:
        self.kind, self.person, self.world = kind, ground.people[kind], ground.world
        is_inside = kind not in ("client", "another client", "nobody", "gone")
        known = {} if is_inside else ground.of_clients
        self.words = Words({of: some + known.get(of, []) for of, some in ground.ids.items()})
        self.random = Random(f"{SEED} {kind}")
        self.grammar = Grammar(graphql_schema(), self.random, self.words)
        self.findings = findings

    async def run(self, count: int) -> None:
        """Ask so many times, now over HTTP and now over a socket."""
        if self.kind in ("nobody", "gone"):
            for _ in range(count):
                await self.over_http(self.grammar.operation())
            return
        assert self.person is not None
        async with self.person.socket() as socket:
            for _ in range(count):
                asked = self.grammar.operation()
                if asked.kind == "subscription" or self.random.random() < 0.2:
                    await self.over_socket(socket, asked)
                else:
                    await self.over_http(asked)

    async def over_http(self, asked: Asked) -> None:
        headers = {"Authorization": f"Bearer {self.person.token}"} if self.person else {}
        body = {"query": asked.query, "variables": asked.variables}
        response = await self.world.http.post("/graphql", json=body, headers=headers, timeout=30)
        for _ in range(TRIES):
            if "UNAVAILABLE" not in response.text:
                break
            # On a busy machine others may have every connection; but not for ever.
            response = await self.world.http.post(
                "/graphql", json=body, headers=headers, timeout=30
            )
        self.take(asked, response.text, response.json(), response.status_code)

    async def over_socket(self, socket: Socket, asked: Asked) -> None:
        operation = await socket.subscribe(asked.query, **asked.variables)
        # A subscription may have nothing to say: whatever it says has been said when a
        # query that was asked after it is answered.
        other = await socket.subscribe("{ __typename }")
        await other.message(20)
        while not operation.is_silent:
            message = await operation.message()
            if message["type"] == "next":
                self.take(asked, str(message), message["payload"])
            elif message["type"] == "error" and "UNAVAILABLE" not in str(message):
                self.take(asked, str(message), {"errors": message["payload"]})
        await operation.complete()

    def take(self, asked: Asked, text: str, result: Any, status: int = 200) -> None:
        self.findings.look(self.kind, asked, text, result, status)
        for of, id in _IDS.findall(text)[:5]:
            self.learn(self.words.ids[of.lower()], id)
        for cursor in _CURSORS.findall(text)[:5]:
            self.learn(self.words.cursors, cursor)

    def learn(self, known: list[str], word: str) -> None:
        if word not in known and len(known) < KEPT:
            known.append(word)


# Where one field's failure ends the others before they have begun, graphql-core lets go of what
# these would have waited for.
@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")
# The same, where what is collected as garbage cannot even say so: it happens within a function of
# a named tuple, which has no builtins.
@pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <coroutine object:pytest.PytestUnraisableExceptionWarning"
)
@pytest.mark.timeout(60 + 2 * OPERATIONS)
async def test_whatever_is_asked_is_answered_well_and_tells_no_secret(ground: Ground) -> None:
    findings = Findings()
    with capture_logs() as logs:
        await asyncio.gather(*(Fuzzer(ground, kind, findings).run(OPERATIONS) for kind in KINDS))
    gc.collect()  # and so here, not in somebody else's test
    NOTES.append(findings.summary())
    assert not findings.wrong, f"{len(findings.wrong)} of them\n" + "\n\n".join(findings.wrong[:5])
    assert [line for line in logs if line["log_level"] in ("error", "critical")] == []
    # They get further than the doorstep: with all that one operation asks for, anything wrong with
    # any of it makes it one that is not OK.
    assert findings.codes["OK"] > OPERATIONS / 2
