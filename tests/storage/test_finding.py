"""What is found is the same, however far the walk goes before the index is asked."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from storage import channels, ids, members, search, search_query
from storage.postgres import Database, Transaction
from storage.search import Wanted
from storage.sight import Role, Sight, Standing

VIEWER, OTHER = f"{1:024x}", f"{2:024x}"
MESSAGES = 240
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

SAY = """
insert into messages (id, channel_id, position, ordinal, sender_id, content, content_type,
                      created_at)
values ($1, $2, $3, $3, $4, $5, 'TEXT', $6)
"""

MENTION = "insert into mentions (message_id, user_id, channel_id, position) values ($1, $2, $3, $4)"


@dataclass
class Said:
    """A message."""

    id: str
    at: datetime
    is_found: bool
    is_mention: bool


async def talk(transaction: Transaction, likelihood: list[float]) -> tuple[list[str], list[Said]]:
    """Two channels, of which the viewer sees one, and what is said in them, newest first; how
    likely each message matches is given.
    """
    chance = random.Random(3)
    own, hidden = ids.new_id(), ids.new_id()
    for channel, member in ((own, VIEWER), (hidden, OTHER)):
        await channels.insert(
            transaction, channel, type="GROUP", created_by=member, name="A", is_private=True
        )
        await members.add(transaction, channel, [member])
    said: list[Said] = []
    for position, likely in enumerate(likelihood, 1):
        channel, matches = chance.choice((own, hidden)), chance.random() < likely
        each = Said(
            ids.new_id(), BEGIN + position * MINUTE, matches and channel == own, position % 3 == 0
        )
        words = "apple pie" if matches else "pie apple"
        await transaction.execute(SAY, each.id, channel, position, OTHER, words, each.at)
        if each.is_mention:
            await transaction.execute(MENTION, each.id, VIEWER, channel, position)
        said.insert(0, each)
    return [own, hidden], said


@pytest.mark.parametrize("dense_at", ["the end", "the beginning"])
async def test_the_newest_are_found_however_far_the_walk_goes(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch, dense_at: str
) -> None:
    # The newest promise more than there is, or less.
    growing = [position / MESSAGES for position in range(MESSAGES)]
    async with database.transaction() as transaction:
        channel_ids, said = await talk(
            transaction, growing if dense_at == "the end" else growing[::-1]
        )
    seeing = await Database.connect(database_url, role=Role.APP)
    try:
        reading = seeing.seen_by(Sight(VIEWER, "", Standing.INTERNAL))
        written = search_query.parse('"apple pie"')
        query = search_query.with_words(written, await search.words(reading, ["apple pie"]))
        for walk in (1, 2, 5, 10, 25, 100, 2 * MESSAGES):
            monkeypatch.setattr(search, "WALKED", walk)
            for limit, mentioned, since in (
                *((limit, None, BEGIN) for limit in (1, 4, 20, 200)),
                (8, VIEWER, BEGIN),
                (20, None, BEGIN + 150 * MINUTE),
            ):
                end = (BEGIN + MESSAGES * 2 * MINUTE, ids.new_id())
                wanted = Wanted(end, None, mentioned, None, since)
                found = await search.matches(
                    reading, channel_ids, query, wanted, by_relevance=False, limit=limit
                )
                expected = [
                    each.id
                    for each in said
                    if each.is_found and each.at >= since and (each.is_mention or not mentioned)
                ]
                assert [message.id for message, _ in found] == expected[:limit], (walk, limit)
    finally:
        await seeing.close()
