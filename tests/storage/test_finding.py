"""What is found is the same, however far the walk goes before the index is asked."""

import random
from datetime import UTC, datetime

import pytest

from storage import channels, ids, members, search, search_query
from storage.postgres import Database
from storage.search import Wanted
from storage.sight import Role, Sight, Standing

VIEWER, OTHER = f"{1:024x}", f"{2:024x}"
MESSAGES = 240

EVER = Wanted(
    before=(datetime(9999, 1, 1, tzinfo=UTC), ids.new_id()),
    sender_id=None,
    mentions_user_id=None,
    has_attachment=None,
    sent_after=datetime(1970, 1, 1, tzinfo=UTC),
)

FILL = """
insert into messages (id, channel_id, position, ordinal, sender_id, content, content_type,
                      created_at)
select $2, $1, $3::bigint, $3::bigint, $4, $5, 'TEXT',
       now() - (1000 - $3::bigint) * interval '1 minute'
"""


@pytest.mark.parametrize("dense_at", ["the end", "the beginning"])
async def test_the_newest_are_found_however_far_the_walk_goes(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch, dense_at: str
) -> None:
    chance = random.Random(3)
    own, hidden = ids.new_id(), ids.new_id()
    matching: list[str] = []
    async with database.transaction() as transaction:
        for channel, member in ((own, VIEWER), (hidden, OTHER)):
            await channels.insert(
                transaction,
                channel,
                type="GROUP",
                created_by=member,
                name="Channel",
                is_private=True,
            )
            await members.add(transaction, channel, [member])
        for position in range(1, MESSAGES + 1):
            # The newest messages promise more than there is, or less.
            likely = position / MESSAGES if dense_at == "the end" else 1 - position / MESSAGES
            words = "apple pie" if chance.random() < likely else "pie apple"
            channel = own if chance.random() < 0.5 else hidden
            message_id = ids.new_id()
            await transaction.execute(FILL, channel, message_id, position, OTHER, words)
            if channel == own and words == "apple pie":
                matching.insert(0, message_id)
    seeing = await Database.connect(database_url, role=Role.APP)
    try:
        reading = seeing.seen_by(Sight(VIEWER, "", Standing.INTERNAL))
        query = search_query.parse('"apple pie"')
        wanted = search_query.with_words(query, await search.words(reading, ["apple pie"]))
        for walk in (1, 2, 5, 10, 25, 100, 2 * MESSAGES):
            monkeypatch.setattr(search, "WALKED", walk)
            for limit in (1, 4, 20, 200):
                found = await search.matches(
                    reading,
                    [own, hidden],
                    wanted,
                    EVER,
                    by_relevance=False,
                    limit=limit,
                )
                assert [message.id for message, _ in found] == matching[:limit], (walk, limit)
    finally:
        await seeing.close()
