"""The smallest useful operation: who am I."""

from contextlib import AsyncExitStack

from benchmarks.company import Company
from benchmarks.http import ask, graphql, milliseconds, post
from benchmarks.rows import Effort, Row, Target, Work, in_turns

REQUESTS = 2_000


async def rows(company: Company, effort: Effort) -> list[Row]:
    """One person, one request after the other."""
    count = effort.times(REQUESTS)
    took: dict[str, list[float]] = {}
    async with AsyncExitStack() as stack:
        backchannel = await stack.enter_async_context(company.backchannel())
        strawberry = await stack.enter_async_context(company.contender("plain_strawberry"))
        nothing = {"query": "{ __typename }"}
        contenders = {
            "ours": (backchannel, graphql("{ viewer { user { id name } } }", company.token())),
            "Strawberry with caches": (strawberry, post("/cached/", nothing)),
            "Strawberry": (strawberry, post("/graphql/", nothing)),
        }

        def round_of(name: str) -> Work:
            server, request = contenders[name]

            async def work() -> float:
                with server.metered() as usage:
                    took.setdefault(name, []).extend(await ask(server.port, [request] * count))
                return usage.cpu / count * 1e6

            return work

        figures = await in_turns(effort, {name: round_of(name) for name in contenders})
    ours = figures.pop("ours")
    return [
        Row(
            "viewer",
            "viewer { user { id name } } against { __typename }",
            "µs CPU",
            ours,
            figures,
            [Target("Strawberry with caches", 1.5)],
            {name: milliseconds(all) for name, all in took.items()},
        )
    ]
