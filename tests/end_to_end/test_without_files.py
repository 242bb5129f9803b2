"""S3 is away: people go on talking, and files wait."""

import os
import signal
import time
from collections.abc import AsyncIterator

import pytest

from server.embedded.s3 import EmbeddedS3
from server.embedded.servers import embedded_servers
from storage.errors import ErrorCode
from tests.between import Between
from tests.files import PDF, begin, described, download, finish, upload
from tests.operations import document, message
from tests.servers import Fresh, Servers
from tests.world import Person, World

CREATE = document("createUpload", ["input"], "{ attachmentId }")
COMPLETE = document("completeUpload", ["attachmentId"], "{ attachment { id } }")


@pytest.fixture(scope="module")
async def s3(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedS3]:
    """A store that can be killed without anybody else noticing."""
    folder = tmp_path_factory.mktemp("s3")
    async with embedded_servers(folder, names=["s3"], durable=False) as embedded:
        yield embedded.s3


@pytest.fixture(scope="module")
async def world(servers: Servers, fresh: Fresh, s3: EmbeddedS3) -> AsyncIterator[World]:
    """A company whose files are there."""
    async with World.running(
        servers, fresh, s3_endpoint_url=s3.url, s3_bucket=EmbeddedS3.bucket, s3_timeout=4
    ) as world:
        yield world


async def unavailable(person: Person, query: str, **variables: object) -> None:
    """It is refused, with the service's name, and not after an age."""
    began = time.perf_counter()
    refusal = await person.refused(query, **variables)
    assert (refusal.code, refusal.extensions["service"]) == (ErrorCode.UNAVAILABLE, "s3")
    assert time.perf_counter() - began < 8


async def test_text_flows_and_files_wait_while_s3_is_down(world: World, s3: EmbeddedS3) -> None:
    channel = await world.carol.create_channel(world.dave)
    sent = await upload(world.carol, channel)
    id = await world.carol.say(channel, "", attachmentIds=[sent["id"]])
    form = await begin(world.carol, channel)
    await form.post(PDF)
    unsent = await upload(world.carol, channel)
    before = await world.state_of(channel)
    await s3.kill()
    try:
        await unavailable(world.carol, CREATE, input=described(channel))
        await unavailable(world.carol, COMPLETE, attachmentId=form.attachment_id)
        assert await world.state_of(channel) == before
        # Whoever may see a file gets a link; what was checked can be sent.
        (file,) = (await message(world.dave, id, "{ attachments { url } }"))["attachments"]
        async with world.dave.socket() as socket:
            added = await socket.subscribe(
                document("messageAdded", ["channelId"], "{ content attachments { url } }"),
                channelId=channel,
            )
            await world.followed(channel)
            await world.carol.say(channel, "Can you hear me?")
            assert (await added.next())["messageAdded"]["content"] == "Can you hear me?"
            await world.carol.say(channel, "A plan", attachmentIds=[unsent["id"]])
            assert (await added.next())["messageAdded"]["attachments"][0]["url"]
        ready = await world.http.get("/readyz")
        assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
        assert ready.json()["checks"]["s3"] == "nothing listens at its address"
    finally:
        await s3.restart()
    assert (await download(file["url"])).content == PDF
    assert (await finish(world.carol, form.attachment_id))["id"] == form.attachment_id


async def test_a_silent_s3_keeps_nobody_waiting_for_long(world: World, s3: EmbeddedS3) -> None:
    channel = await world.carol.create_channel()
    form = await begin(world.carol, channel)
    await form.post(PDF)
    os.kill(s3.child.pid, signal.SIGSTOP)
    try:
        await unavailable(world.carol, CREATE, input=described(channel))
        await unavailable(world.carol, COMPLETE, attachmentId=form.attachment_id)
        began = time.perf_counter()
        await world.carol.say(channel)
        assert time.perf_counter() - began < 2
    finally:
        os.kill(s3.child.pid, signal.SIGCONT)
    assert (await finish(world.carol, form.attachment_id))["id"] == form.attachment_id


async def test_a_bucket_that_is_not_there_is_told_in_a_line(servers: Servers, fresh: Fresh) -> None:
    async with World.running(servers, fresh, s3_bucket="nobodys-bucket") as world:
        channel = await world.carol.create_channel()
        await unavailable(world.carol, CREATE, input=described(channel))
        assert await world.carol.say(channel)
        ready = await world.http.get("/readyz")
        assert ready.json()["checks"]["s3"] == "has no such bucket"


async def test_credentials_that_are_refused_are_told_in_a_line(
    servers: Servers, fresh: Fresh
) -> None:
    async with Between.us_and(servers.s3_url) as between:
        between.forbid(lambda _: True)
        async with World.running(servers, fresh, s3_endpoint_url=between.url) as world:
            channel = await world.carol.create_channel()
            await unavailable(world.carol, CREATE, input=described(channel))
            ready = await world.http.get("/readyz")
            assert ready.json()["checks"]["s3"] == (
                "refuses the credentials, or does not let them use the bucket"
            )
