"""One's own messages are taken off the count, whichever program has written them."""

import random

from storage import channels, ids, members, reading
from storage.postgres import Database
from tests.loaders.crowd import message

ANNE, BERT = f"{1:024x}", f"{2:024x}"
MESSAGES = 60

# A program from before own messages were numbered goes on while another is already there.
FORGET_NUMBER = "update messages set sender_ordinal = null where id = $1"

READ_TO = """
update members m
   set read_position = x.position,
       read_ordinal  = x.ordinal
  from messages x
 where x.id = $1
   and m.channel_id = x.channel_id
"""


async def test_counts_are_exact_from_every_place_whatever_is_numbered(database: Database) -> None:
    chance = random.Random(5)
    channel_id = ids.new_id()
    said: list[tuple[str, str, bool]] = []
    async with database.transaction() as transaction:
        await channels.insert(
            transaction, channel_id, type="GROUP", created_by=ANNE, name="Channel"
        )
        await members.add(transaction, channel_id, [ANNE, BERT])
        root = await message(transaction, channel_id, ANNE, None, [])
        said.append((root, ANNE, True))
        for _ in range(MESSAGES):
            sender = chance.choice((ANNE, ANNE, BERT))
            is_reply = chance.random() < 0.2
            sent = await message(transaction, channel_id, sender, root if is_reply else None, [])
            said.append((sent, sender, not is_reply))
            if chance.random() < 0.3:
                await transaction.execute(FORGET_NUMBER, sent)
    for place, (last_read, _, _) in enumerate(said, 1):
        await database.execute(READ_TO, last_read)
        for person in (ANNE, BERT):
            (counts,) = await reading.unread(database, person, [channel_id])
            others = sum(counted and sender != person for _, sender, counted in said[place:])
            assert counts.unread_count == others, (place, person)
