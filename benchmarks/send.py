"""Sending: what a message costs, and what the bell costs those who send."""

import time
from contextlib import AsyncExitStack

from benchmarks.company import Company
from benchmarks.http import ask, graphql, milliseconds, post
from benchmarks.process import Contender
from benchmarks.rows import Effort, Row, Target, Work, in_turns

SEND = """mutation ($channel: ID!, $content: String!) {
    sendMessage(input: {channelId: $channel, content: $content}) {
        message { id content createdAt sender { id name } }
    }
}"""

CONTENT = "The quick brown fox jumps over the lazy dog."
MESSAGES = 500
SENDERS = 32
EACH = 40


async def rows(company: Company, effort: Effort) -> list[Row]:
    """One person after the other, then thirty-two at once."""
    async with AsyncExitStack() as stack:
        backchannel = await stack.enter_async_context(company.backchannel())
        floor = await stack.enter_async_context(company.contender("floor"))
        silent = await stack.enter_async_context(company.contender("silent"))
        return [
            await _alone(company, effort, backchannel, floor),
            await _together(company, effort, backchannel, silent),
        ]


async def _alone(company: Company, effort: Effort, backchannel: Contender, floor: Contender) -> Row:
    channel = await company.channel(50)
    count = effort.times(MESSAGES)
    took: dict[str, list[float]] = {"ours": [], "floor": []}
    contenders = {
        "ours": (
            backchannel,
            graphql(SEND, company.token(), channel=channel.id, content=CONTENT),
        ),
        "floor": (
            floor,
            post("/send", {"channel": channel.id, "content": CONTENT}, company.token()),
        ),
    }

    def round_of(name: str) -> Work:
        server, request = contenders[name]

        async def work() -> float:
            with server.metered() as usage:
                took[name] += await ask(server.port, [request] * count)
            return usage.cpu / count * 1e6

        return work

    figures = await in_turns(effort, {name: round_of(name) for name in contenders})
    return Row(
        "send",
        "sendMessage, with the message and its sender in the answer",
        "µs CPU",
        figures.pop("ours"),
        figures,
        [Target("floor", 2)],
        {name: milliseconds(all) for name, all in took.items()},
    )


async def _together(
    company: Company, effort: Effort, backchannel: Contender, silent: Contender
) -> Row:
    channels = [await company.channel(1) for _ in range(SENDERS)]
    requests = [
        graphql(SEND, company.token(number), channel=channel.id, content=CONTENT)
        for number, channel in enumerate(channels)
    ] * effort.times(EACH)
    took: dict[str, list[float]] = {}

    def round_of(server: Contender) -> Work:
        async def work() -> float:
            began = time.perf_counter()
            took.setdefault(server.name, []).extend(await ask(server.port, requests, SENDERS))
            return len(requests) / (time.perf_counter() - began)

        return work

    figures = await in_turns(
        effort, {"ours": round_of(backchannel), "without NOTIFY": round_of(silent)}
    )
    return Row(
        "send",
        f"{SENDERS} senders at once on {SENDERS} channels",
        "commits/s",
        figures.pop("ours"),
        figures,
        [Target("without NOTIFY", 0.7, at_least=True)],
        {name: milliseconds(all) for name, all in took.items()},
    )
