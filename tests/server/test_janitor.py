"""The janitor: what nobody came back for, and what nothing refers to any more."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from resolvers.services import Services
from server import janitor
from server.embedded.s3 import EmbeddedS3
from server.embedded.servers import embedded_servers
from storage import removals
from storage.errors import Refusal
from storage.objects import FILES, new_key
from tests.files import PDF, begin, finish, keys_in, picture, upload
from tests.operations import document
from tests.servers import Fresh, Servers
from tests.world import World


@pytest.fixture(scope="module")
async def s3(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedS3]:
    """A store that can be killed without anybody else noticing."""
    folder: Path = tmp_path_factory.mktemp("s3")
    async with embedded_servers(folder, names=["s3"], durable=False) as embedded:
        yield embedded.s3


@pytest.fixture(scope="module")
async def world(servers: Servers, fresh: Fresh, s3: EmbeddedS3) -> AsyncIterator[World]:
    """A company whose files are there, and whose janitor comes only when it is called."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(janitor, "SWEEP_SECONDS", 3600.0)
        async with World.running(
            servers, fresh, s3_endpoint_url=s3.url, s3_bucket=EmbeddedS3.bucket
        ) as world:
            yield world


@pytest.fixture(autouse=True)
async def nothing_left(world: World) -> None:
    """No file of another test's."""
    await world.database.execute("delete from attachments")
    await world.database.execute("delete from removals")
    await world.services.objects.delete(list(await keys_in(world)))


async def waiting(world: World) -> int:
    """How many objects are to be removed, now or later."""
    count: int = await world.database.fetchval("select count(*) from removals")
    return count


async def sweep(world: World) -> None:
    """What the janitor does each time."""
    await janitor.forget_uploads(world.services)
    await janitor.remove_objects(world.services)


async def later(world: World, hours: float) -> None:
    """So much time has passed for everything."""
    database = world.database
    await database.execute(
        "update attachments set created_at = created_at - make_interval(secs => $1),"
        " form_ends_at = form_ends_at - make_interval(secs => $1)",
        hours * 3600,
    )
    await database.execute(
        "update removals set due_at = due_at - make_interval(secs => $1)", hours * 3600
    )


async def test_what_no_message_carries_is_gone_after_a_day(world: World) -> None:
    channel = await world.carol.create_channel()
    sent = await upload(world.carol, channel, picture(), "a.png", "image/png")
    await world.carol.say(channel, "", attachmentIds=[sent["id"]])
    await later(world, 2)
    await sweep(world)
    kept = await keys_in(world)
    assert len(kept) == 2
    await upload(world.carol, channel, picture(), "b.png", "image/png")
    posted = await begin(world.carol, channel)
    await posted.post(PDF)
    await begin(world.carol, channel)
    await later(world, 23.9)
    await sweep(world)
    assert len(await keys_in(world)) == 5
    await later(world, 0.2)
    await sweep(world)
    assert await keys_in(world) == kept
    files = "select count(*) from attachments where channel_id = $1"
    assert await world.database.fetchval(files, channel) == 1
    assert await waiting(world) == 0


async def test_what_could_not_be_removed_is_removed_when_the_store_is_back(
    world: World, s3: EmbeddedS3
) -> None:
    channel = await world.carol.create_channel()
    sent = await upload(world.carol, channel, picture(), "a.png", "image/png")
    id = await world.carol.say(channel, "", attachmentIds=[sent["id"]])
    await world.carol.run(
        document("deleteMessage", ["messageId"], "{ message { id } }"), messageId=id
    )
    await s3.kill()
    try:
        with pytest.raises(Refusal):
            await janitor.remove_objects(world.services)
    finally:
        await s3.restart()
    assert len(await keys_in(world)) >= 2
    await janitor.remove_objects(world.services)  # not so soon
    assert len(await keys_in(world)) >= 2
    await later(world, 2)
    await janitor.remove_objects(world.services)
    assert await keys_in(world) == set()
    assert await waiting(world) == 0


async def test_a_day_old_upload_is_removed_although_the_first_attempt_fails(
    world: World, s3: EmbeddedS3
) -> None:
    channel = await world.carol.create_channel()
    await upload(world.carol, channel)
    await later(world, 25)
    await s3.kill()
    try:
        with pytest.raises(Refusal):
            await sweep(world)
    finally:
        await s3.restart()
    assert len(await keys_in(world)) == 1
    await later(world, 1)
    await sweep(world)
    assert await keys_in(world) == set()


async def test_many_janitors_share_the_work(world: World) -> None:
    keys = [new_key(FILES) for _ in range(250)]
    for key in keys[:5]:
        await world.services.objects.put(key, b"x")
    await world.database.execute(
        "insert into removals (object_key) select unnest($1::text[])", keys
    )
    removed = await asyncio.gather(*(janitor.remove_objects(world.services) for _ in range(4)))
    assert sum(removed) == len(keys)  # nobody did what another had done
    assert await waiting(world) == 0
    assert await keys_in(world) == set()


async def test_a_claim_is_one_janitors_alone_and_ends_by_itself(world: World) -> None:
    """One that dies in the middle of its work leaves it to the others."""
    database = world.database
    key = new_key(FILES)
    await database.execute("insert into removals (object_key) values ($1)", key)
    assert await removals.claim(database, 10) == [key]
    assert await removals.claim(database, 10) == []
    pauses = []
    for _ in range(8):
        pauses.append(
            await database.fetchval(
                "select round(extract(epoch from due_at - now()) / 60) from removals"
            )
        )
        await database.execute("update removals set due_at = now()")
        assert await removals.claim(database, 10) == [key]
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
    await removals.done(database, [key])


async def test_what_is_expected_is_kept_by_who_stores_it_or_removed(world: World) -> None:
    database = world.database
    kept, forgotten = new_key(FILES), new_key(FILES)
    await removals.expect(database, [kept, forgotten])
    await janitor.remove_objects(world.services)
    async with database.transaction() as transaction:
        assert await removals.keep(transaction, [kept])
    async with database.transaction() as transaction:
        assert not await removals.keep(transaction, [kept])
    await later(world, 1.1)
    async with database.transaction() as transaction:
        assert not await removals.keep(transaction, [forgotten])
    assert await janitor.remove_objects(world.services) == 1


async def test_the_janitor_comes_by_itself_and_comes_again_when_a_server_was_away(
    world: World, s3: EmbeddedS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = new_key(FILES)
    await world.services.objects.put(key, b"x")
    await world.database.execute("insert into removals (object_key) values ($1)", key)
    monkeypatch.setattr(janitor, "SWEEP_SECONDS", 0.01)
    outcomes: asyncio.Queue[bool] = asyncio.Queue()
    remove = janitor.remove_objects

    async def watched(services: Services) -> int:
        try:
            removed = await remove(services)
        except Refusal:
            outcomes.put_nowait(False)
            raise
        if removed:
            outcomes.put_nowait(True)
        return removed

    monkeypatch.setattr(janitor, "remove_objects", watched)
    await s3.kill()
    comes = asyncio.create_task(janitor.sweep_for_ever(world.services, timedelta(days=1)))
    try:
        async with asyncio.timeout(20):
            assert await outcomes.get() is False
            await s3.restart()
            await world.database.execute("update removals set due_at = now()")
            assert await outcomes.get() is True
    finally:
        comes.cancel()
        with pytest.raises(asyncio.CancelledError):
            await comes
    assert await keys_in(world) == set()


async def test_an_upload_being_sent_just_now_is_not_forgotten(world: World) -> None:
    """The janitor and the sender meet over the same row: the sender has it."""
    channel = await world.carol.create_channel()
    form = await begin(world.carol, channel)
    await form.post(PDF)
    sent = await finish(world.carol, form.attachment_id)
    id = await world.carol.say(channel)
    await later(world, 25)
    async with world.database.transaction() as transaction:
        await transaction.execute(
            "update attachments set message_id = $2 where id = $1", sent["id"], id
        )
        assert await janitor.forget_uploads(world.services) == 0
    assert await janitor.forget_uploads(world.services) == 0
    assert len(await keys_in(world)) == 1
