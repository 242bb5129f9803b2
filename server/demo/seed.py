"""Filling empty servers with the demo's company; what is there already is left as it is."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from pymongo import AsyncMongoClient

from server.demo import cast, picture
from server.demo.acts import acts
from server.demo.cast import Channel
from server.demo.history import HISTORY
from server.demo.scribe import PICTURE_KEY, Scribe, set_clocks
from storage import channels, directory_channels, placements
from storage.objects import ObjectStore
from storage.postgres import Database, Transaction
from storage.records import ChannelType
from storage.sight import Role

CHANNEL_IDS = [channel.id for channel in cast.CHANNELS.values()]


async def seed(
    owner: Database, in_step: Database, mongo_url: str, mongo_database: str, objects: ObjectStore
) -> None:
    """Whatever of the company is missing, be it all. Safe to repeat after any interruption.

    ``owner`` owns the tables and may see nothing of what is in them; ``in_step`` works as the
    role that sees every channel.
    """
    is_new = not await channels.by_ids(in_step, CHANNEL_IDS)
    await _seed_directory(mongo_url, mongo_database, anew=is_new)
    if await objects.size(PICTURE_KEY) is None:
        await objects.put(PICTURE_KEY, picture.draw())
    if is_new:
        # Last: that it is there says that all is.
        await _seed_history(owner)


async def _seed_directory(mongo_url: str, mongo_database: str, *, anew: bool) -> None:
    async with AsyncMongoClient[dict[str, Any]](mongo_url) as client:
        directory = client[mongo_database]
        if not anew and await directory["users"].find_one() is not None:
            return
        for collection, documents in cast.directory().items():
            for document in documents:
                await directory[collection].replace_one(
                    {"_id": document["_id"]}, document, upsert=True
                )


async def _seed_history(owner: Database) -> None:
    now = datetime.now(UTC)
    async with owner.transaction() as transaction:
        async with _unguarded(transaction):
            for channel in cast.CHANNELS.values():
                await _make(transaction, channel)
                await Scribe(transaction, channel).write(acts(channel, HISTORY[channel.key], now))
            await set_clocks(transaction, CHANNEL_IDS)
        # What is done last, inboxes are counted by: a function that is not the owner's.
        await transaction.execute(f"set local role {Role.SYNC}")


@asynccontextmanager
async def _unguarded(transaction: Transaction) -> AsyncIterator[None]:
    """Let the owner of the tables see and write every row, who otherwise does neither; nobody
    else sees anything of it, for it is over before the transaction is.
    """
    tables = [row[0] for row in await transaction.fetch(_GUARDED)]
    for table in tables:
        await transaction.execute(f"alter table {table} no force row level security")
    yield
    for table in tables:
        await transaction.execute(f"alter table {table} force row level security")


_GUARDED = """
select oid::regclass::text
  from pg_class
 where relnamespace = current_schema()::regnamespace
   and relforcerowsecurity
"""


async def _make(transaction: Transaction, channel: Channel) -> None:
    people = [cast.PEOPLE[key].id for key in channel.members]
    department, project = channel.department, channel.project
    await channels.insert(
        transaction,
        channel.id,
        type=channel.type,
        created_by=people[0],
        name=channel.name,
        topic=channel.topic,
        is_private=channel.is_private,
        dm_key=",".join(sorted(people)) if channel.type == ChannelType.DM else None,
        department_id=str(cast.DEPARTMENTS[department]) if department else None,
        project_id=str(cast.PROJECTS[project]) if project else None,
    )
    if channel.directory_key:
        # As if it had been made from the directory: to the server nothing is to be done.
        assert channel.name is not None
        await directory_channels.record(
            transaction, channel.directory_key, channel.id, channel.name, is_closed=False
        )
        wanted = [
            (cast.PEOPLE[key].id, str(cast.wanted_role(channel, key))) for key in channel.members
        ]
        await placements.place(transaction, channel.id, wanted)
