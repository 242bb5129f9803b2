"""A firm in MongoDB, and channels that are brought in step with it without a server around."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self

from bson import ObjectId
from pymongo import AsyncMongoClient

from resolvers import attendance
from resolvers.directory_rules import DirectoryRules
from resolvers.reconciling import Done, Reconciler
from storage import channels, placements
from storage.census import Census
from storage.directory import Directory, DirectoryNames
from storage.postgres import Database
from storage.sight import Role
from tests.servers import Fresh, Servers


@dataclass
class Firm:
    """The host application's data, which tests change, and the channels made of it."""

    mongo: Any
    owner: Database
    """Sees everything."""
    database: Database
    """Works as what keeps channels in step does."""
    census: Census
    rules: DirectoryRules = field(default_factory=DirectoryRules)

    @classmethod
    @asynccontextmanager
    async def running(cls, servers: Servers, fresh: Fresh) -> AsyncIterator[Self]:
        """A firm with nobody in it yet."""
        async with (
            fresh.database() as url,
            fresh.mongo_database() as name,
            AsyncMongoClient[dict[str, Any]](servers.mongo_url) as client,
        ):
            owner = await Database.connect(url, patience=20)
            database = await Database.connect(url, role=Role.SYNC, max_size=4, patience=20)
            try:
                mongo = client[name]
                yield cls(mongo, owner, database, Census(Directory(mongo, DirectoryNames())))
            finally:
                await database.close()
                await owner.close()

    async def clear(self) -> None:
        """Nothing and nobody is left."""
        for collection in ("users", "departments", "projects", "roles"):
            await self.mongo[collection].delete_many({})
        await self.owner.execute("delete from channels")
        self.rules = DirectoryRules()

    async def person(self, name: str = "Somebody", **fields: Any) -> str:
        """Somebody new, active and inside; their id."""
        id = ObjectId()
        await self.mongo.users.insert_one(
            {"_id": id, "name": name, "isClient": False, "status": "active", **fields}
        )
        return str(id)

    async def department(self, name: str = "Sales", head: str | None = None) -> ObjectId:
        """A new department."""
        id = ObjectId()
        await self.mongo.departments.insert_one(
            {"_id": id, "name": name, "headId": ObjectId(head) if head else None}
        )
        return id

    async def project(self, name: str = "Apollo", *people: str, **fields: Any) -> ObjectId:
        """A new project with these people."""
        id = ObjectId()
        assigned = [ObjectId(person) for person in people]
        await self.mongo.projects.insert_one(
            {"_id": id, "name": name, "assignedUserIds": assigned, **fields}
        )
        return id

    async def role(self, name: str, resource: str, *actions: str) -> ObjectId:
        """A new role with one permission."""
        id = ObjectId()
        permissions = [{"resource": resource, "actions": list(actions)}]
        await self.mongo.roles.insert_one({"_id": id, "name": name, "permissions": permissions})
        return id

    async def change(self, collection: str, id: Any, **fields: Any) -> None:
        """Something is otherwise in the host application from now on."""
        await self.mongo[collection].update_one({"_id": ObjectId(id)}, {"$set": fields})

    async def sync(self) -> list[Done]:
        """Bring channels in step, as a process that has just started does."""
        return await Reconciler(self.database, self.rules).reconcile(await self.census.take())

    async def channel(self, key: str) -> str:
        """The id of the channel with this key."""
        found = await self.owner.fetchval(
            "select channel_id::text from directory_channels where key = $1", key
        )
        assert found is not None, key
        id: str = found
        return id

    async def row(self, key: str) -> Any:
        """The channel itself, with ``is_archived``."""
        return await self.owner.fetchrow(
            "select *, archived_at is not null as is_archived from channels where id = $1",
            await self.channel(key),
        )

    async def members(self, key: str) -> dict[str, str]:
        """Who is in it, and as what."""
        rows = await self.owner.fetch(
            "select user_id, role from members where channel_id = $1", await self.channel(key)
        )
        return {row["user_id"]: row["role"] for row in rows}

    async def joined(self) -> int:
        """How often anybody has joined anything."""
        count: int = await self.owner.fetchval(
            "select count(*) from events where kind = 'MemberJoined'"
        )
        return count

    async def log(self, key: str) -> list[tuple[str, str | None]]:
        """What happened in it, and to whom; a message's content for whom."""
        rows = await self.owner.fetch(
            "select e.kind, coalesce(m.content, e.user_id) from events e"
            "  left join messages m on m.id = e.message_id"
            " where e.channel_id = $1 order by e.position",
            await self.channel(key),
        )
        return [(row[0], row[1]) for row in rows]

    async def add(self, key: str, *people: str) -> None:
        """Somebody adds these people by hand."""
        id = await self.channel(key)
        async with self.owner.transaction() as transaction:
            await channels.lock(transaction, id)
            [channel] = (await channels.by_ids(transaction, [id])).values()
            await attendance.join(transaction, channel, list(people), actor_id="f" * 24)
            await placements.added(transaction, id, list(people), by_hand=True)

    async def leave(self, key: str, person: str) -> None:
        """Somebody leaves on purpose."""
        id = await self.channel(key)
        async with self.owner.transaction() as transaction:
            await channels.lock(transaction, id)
            [channel] = (await channels.by_ids(transaction, [id])).values()
            await attendance.leave(transaction, channel, [person], actor_id=person)
            await placements.left(transaction, id, person)
