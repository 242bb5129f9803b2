"""Open uploads: twenty a person, and nobody is locked out by what they have dropped."""

import asyncio

import pytest

from storage.errors import ErrorCode
from tests.files import PDF, Form, begin, described, finish
from tests.operations import document
from tests.world import Person, RefusedError, World

pytestmark = pytest.mark.usefixtures("room_for_uploads")

CREATE = document("createUpload", ["input"], "{ attachmentId }")
MOST = 20


async def fill(world: World, person: Person, channel: str) -> list[Form]:
    """As many uploads as a person may have."""
    return [await begin(person, channel) for _ in range(MOST)]


async def one_too_many(person: Person, channel: str) -> RefusedError:
    """The refusal of another one."""
    refusal = await person.refused(CREATE, input=described(channel))
    assert refusal.code == ErrorCode.RATE_LIMITED
    return refusal


async def open_of(world: World, person: Person) -> int:
    """How many uploads of a person's no message carries."""
    count: int = await world.database.fetchval(
        "select count(*) from attachments where uploader_id = $1 and message_id is null", person.id
    )
    return count


async def set_back(world: World, form: Form, minutes: int) -> None:
    """Let an upload have happened so long ago."""
    await world.database.execute(
        """
        update attachments
           set created_at   = created_at - make_interval(mins => $2),
               form_ends_at = form_ends_at - make_interval(mins => $2),
               completed_at = completed_at - make_interval(mins => $2)
         where id = $1
        """,
        form.attachment_id,
        minutes,
    )


async def test_the_twenty_first_open_upload_is_refused_for_its_person_only(world: World) -> None:
    person, other = await world.new_person("Paul"), await world.new_person("Pia")
    channel = await person.create_channel(other)
    elsewhere = await person.create_channel()
    await fill(world, person, channel)
    before = await world.state_of(channel)
    for place in (channel, elsewhere):
        refusal = await one_too_many(person, place)
        assert 0 < refusal.extensions["retryAfter"] <= 600
    assert await world.state_of(channel) == before
    await begin(other, channel)


async def test_twenty_one_at_once_are_twenty(world: World) -> None:
    person = await world.new_person("Paul")
    channel = await person.create_channel()
    results = await asyncio.gather(
        *(begin(person, channel) for _ in range(MOST + 5)), return_exceptions=True
    )
    refused = [result for result in results if isinstance(result, RefusedError)]
    assert [refusal.code for refusal in refused] == [ErrorCode.RATE_LIMITED] * 5
    assert await open_of(world, person) == MOST


async def test_what_a_message_carries_is_not_open_any_more(world: World) -> None:
    person = await world.new_person("Paul")
    channel = await person.create_channel()
    first, *_ = await fill(world, person, channel)
    await first.post(PDF)
    await finish(person, first.attachment_id)
    await one_too_many(person, channel)
    await person.say(channel, "", attachmentIds=[first.attachment_id])
    await begin(person, channel)
    await one_too_many(person, channel)


async def test_a_form_nobody_used_in_time_gives_way(world: World) -> None:
    person = await world.new_person("Paul")
    channel = await person.create_channel()
    forms = await fill(world, person, channel)
    await set_back(world, forms[7], minutes=11)
    fresh = await begin(person, channel)
    assert await open_of(world, person) == MOST
    gone = await person.refused(
        document("completeUpload", ["attachmentId"], "{ attachment { id } }"),
        attachmentId=forms[7].attachment_id,
    )
    assert gone.code == ErrorCode.NOT_FOUND
    await fresh.post(PDF)
    await finish(person, fresh.attachment_id)
    await one_too_many(person, channel)


async def test_a_checked_file_waits_an_hour_for_its_message(world: World) -> None:
    person = await world.new_person("Paul")
    channel = await person.create_channel()
    forms = await fill(world, person, channel)
    await forms[0].post(PDF)
    await finish(person, forms[0].attachment_id)
    await set_back(world, forms[0], minutes=59)
    retry_after = (await one_too_many(person, channel)).extensions["retryAfter"]
    assert retry_after <= 60
    await set_back(world, forms[0], minutes=1)
    await begin(person, channel)
    assert await open_of(world, person) == MOST
    # The file that gave way is removed from the store.
    assert await world.database.fetchval(
        "select count(*) from removals r where not exists"
        " (select from attachments a where a.object_key = r.object_key) and due_at <= now()"
    )


async def test_a_refused_file_is_not_open_any_more(world: World) -> None:
    person = await world.new_person("Paul")
    channel = await person.create_channel()
    first, *_ = await fill(world, person, channel)
    await first.post(b"something else")
    await person.refused(
        document("completeUpload", ["attachmentId"], "{ attachment { id } }"),
        attachmentId=first.attachment_id,
    )
    await begin(person, channel)
