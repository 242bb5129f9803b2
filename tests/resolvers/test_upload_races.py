"""What happens to a file while it is being checked, and afterwards."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from server import janitor
from storage.errors import ErrorCode
from tests.between import Between, Moment, copying, looking, peeking
from tests.files import PDF, Form, begin, download, finish, keys_in, picture
from tests.operations import document
from tests.servers import Fresh, Servers
from tests.world import World

pytestmark = pytest.mark.usefixtures("room_for_uploads")

COMPLETE = document("completeUpload", ["attachmentId"], "{ attachment { id url } }")
EVIL = b"<script>alert(document.domain)</script>".ljust(len(PDF))[: len(PDF)]


@pytest.fixture(scope="module")
async def between(servers: Servers) -> AsyncIterator[Between]:
    """Somebody between the server and S3."""
    async with Between.us_and(servers.s3_url) as between:
        yield between


@pytest.fixture(scope="module")
async def watched(servers: Servers, fresh: Fresh, between: Between) -> AsyncIterator[World]:
    """A company whose server speaks to S3 by way of them."""
    async with World.running(servers, fresh, s3_endpoint_url=between.url) as world:
        yield world


async def let_the_form_end(world: World) -> None:
    """The time of all forms is over, and of whoever is slow with one."""
    await world.database.execute("update removals set due_at = now()")


async def replaced(form: Form) -> None:
    """The browser puts something else in the place of its file."""
    await form.post(EVIL)


def test_the_evil_one_is_as_large_as_the_good_one() -> None:
    assert len(EVIL) == len(PDF)


async def test_what_is_put_in_its_place_afterwards_nobody_gets(world: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    form = await begin(world.carol, channel)
    await form.post(PDF)
    sent = await finish(world.carol, form.attachment_id)
    await world.carol.say(channel, "", attachmentIds=[sent["id"]])
    await replaced(form)
    again = await finish(world.carol, form.attachment_id)
    for link in (sent["url"], again["url"]):
        assert (await download(link)).content == PDF
    assert form.key in await keys_in(world)
    # And what was put there is removed once the form is of no use any more.
    await let_the_form_end(world)
    await janitor.remove_objects(world.services)
    assert form.key not in await keys_in(world)
    assert (await download(again["url"])).content == PDF


async def test_what_is_put_there_after_a_refusal_is_removed_too(world: World) -> None:
    channel = await world.carol.create_channel()
    form = await begin(world.carol, channel)
    await form.post(EVIL)
    await world.carol.refused(COMPLETE, attachmentId=form.attachment_id)
    await form.post(PDF)
    assert (await world.carol.refused(COMPLETE, attachmentId=form.attachment_id)).code == (
        ErrorCode.NOT_FOUND
    )
    await janitor.remove_objects(world.services)
    assert form.key in await keys_in(world)  # too early: it could come back
    await let_the_form_end(world)
    await janitor.remove_objects(world.services)
    assert form.key not in await keys_in(world)


async def test_a_file_replaced_before_the_copy_is_checked_as_what_it_is(
    watched: World, between: Between
) -> None:
    channel = await watched.carol.create_channel()
    form = await begin(watched.carol, channel)
    await form.post(PDF)
    between.after(looking, lambda: replaced(form))
    refusal = await watched.carol.refused(COMPLETE, attachmentId=form.attachment_id)
    assert refusal.code == ErrorCode.BAD_USER_INPUT


@pytest.mark.parametrize("moment", [copying, peeking])
async def test_a_file_replaced_after_the_copy_stays_what_was_checked(
    watched: World, between: Between, moment: Moment
) -> None:
    channel = await watched.carol.create_channel()
    form = await begin(watched.carol, channel)
    await form.post(PDF)
    between.after(moment, lambda: replaced(form))
    sent = await finish(watched.carol, form.attachment_id)
    assert (await download(sent["url"])).content == PDF


async def test_a_second_check_under_way_does_not_replace_what_the_first_has_checked(
    watched: World, between: Between
) -> None:
    """The second begins, the first ends, the file is replaced, the second goes on."""
    channel = await watched.carol.create_channel()
    form = await begin(watched.carol, channel)
    await form.post(PDF)
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        begun.set()
        await go_on.wait()
        await replaced(form)

    between.after(looking, wait)
    second = asyncio.create_task(watched.carol.post(COMPLETE, {"attachmentId": form.attachment_id}))
    await begun.wait()
    first = await finish(watched.carol, form.attachment_id)
    go_on.set()
    assert "errors" in await second
    again = await finish(watched.carol, form.attachment_id)
    for link in (first["url"], again["url"]):
        assert (await download(link)).content == PDF


async def test_many_checks_of_one_file_at_once_are_one(world: World) -> None:
    channel = await world.carol.create_channel()
    before = await keys_in(world)
    form = await begin(world.carol, channel, picture(), "a.png", "image/png")
    await form.post(picture())
    sent = await asyncio.gather(*(finish(world.carol, form.attachment_id) for _ in range(5)))
    assert len({each["url"].partition("?")[0] for each in sent}) == 1
    await let_the_form_end(world)
    await janitor.remove_objects(world.services)
    assert len(await keys_in(world) - before) == 2


async def test_an_upload_that_goes_while_it_is_checked_leaves_nothing(
    watched: World, between: Between
) -> None:
    channel = await watched.carol.create_channel()
    before = await keys_in(watched)
    form = await begin(watched.carol, channel, picture(), "a.png", "image/png")
    await form.post(picture())

    async def forget() -> None:
        await watched.database.execute("delete from attachments where id = $1", form.attachment_id)

    between.after(peeking, forget)
    refusal = await watched.carol.refused(COMPLETE, attachmentId=form.attachment_id)
    assert refusal.code == ErrorCode.NOT_FOUND
    await let_the_form_end(watched)
    await janitor.remove_objects(watched.services)
    assert await keys_in(watched) <= before


async def test_a_check_that_took_too_long_keeps_nothing_that_is_being_removed(
    watched: World, between: Between
) -> None:
    """The copy was to be kept within the hour; later it may be on its way out already."""
    channel = await watched.carol.create_channel()
    form = await begin(watched.carol, channel)
    await form.post(PDF)

    async def an_hour_later() -> None:
        await let_the_form_end(watched)
        await janitor.remove_objects(watched.services)

    between.after(peeking, an_hour_later)
    refusal = await watched.carol.refused(COMPLETE, attachmentId=form.attachment_id)
    assert (refusal.code, refusal.extensions["service"]) == (ErrorCode.UNAVAILABLE, "s3")
    # Doing it again helps.
    assert (await download((await finish(watched.carol, form.attachment_id))["url"])).content == PDF
