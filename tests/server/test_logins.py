"""A server with a login for each job, each of which may do nothing but that job."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from bson import ObjectId
from sqlalchemy.engine import make_url
from structlog.testing import capture_logs

from server import janitor
from server.app import create_app, persisted
from server.sync import sync_once
from server.sync_settings import KINDS
from storage.errors import Refusal
from storage.lines import SHARED
from storage.sight import Role
from tests.files import PDF, begin, upload
from tests.logins import BACKGROUND, OPERATIONS, login
from tests.operations import do
from tests.pooler import Pooler
from tests.realtime.following import EVENTS
from tests.servers import Fresh, Servers
from tests.world import World

INBOX = "subscription { inbox { __typename } }"

WHO = """
select usename, application_name
  from pg_stat_activity
 where datname = current_database()
   and application_name like 'backchannel%'
"""


@pytest.fixture(scope="module")
async def apart(servers: Servers, fresh: Fresh) -> AsyncIterator[World]:
    """A company whose server logs in for operations and for everything else, never as owner."""
    async with (
        fresh.database() as owner,
        login(owner, *OPERATIONS) as operations,
        login(owner, *BACKGROUND) as background,
        World.running(
            servers,
            fresh,
            owner_url=owner,
            database_url=operations,
            background_url=background,
            directory_channels=KINDS,
            rate_mutations=99,  # few enough that each is counted in PostgreSQL
        ) as world,
    ):
        yield world


async def department(world: World, *people: str) -> str:
    """The id of the channel of a new department with these people."""
    id = ObjectId()
    await world.mongo.departments.insert_one({"_id": id, "name": "Sales", "headId": None})
    for person in people:
        await world.mongo.users.update_one(
            {"_id": ObjectId(person)}, {"$set": {"departmentId": id}}
        )
    await sync_once(world.settings)
    found: str = await world.database.fetchval(
        "select id::text from channels where department_id = $1 and member_count = $2",
        str(id),
        len(people),
    )
    return found


async def test_everything_is_done_under_the_login_of_its_job(apart: World) -> None:
    dave, erin = apart.dave, apart.erin
    channel = await department(apart, dave.id, erin.id)
    async with erin.socket() as socket:
        events = await socket.subscribe(EVENTS, id=channel)
        inbox = await socket.subscribe(INBOX)
        assert (await inbox.next())["inbox"]["__typename"] == "InboxSnapshot"
        await apart.followed(channel)
        await dave.say(channel, "Hello @here")
        assert (await events.next())["channelEvents"]["message"] == {"content": "Hello @here"}
        assert (await inbox.next())["inbox"]["__typename"] == "InboxChannelChanged"

        async def shown() -> Any:
            return await do(dave, "user", "{ presence { status } }", id=erin.id)

        async with asyncio.timeout(5.0):
            while (await shown())["presence"]["status"] != "ONLINE":  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        used = {(row[0], row[1]) for row in await apart.database.fetch(WHO)}
    operations, background = (
        make_url(url).username for url in (apart.settings.database_url, apart.settings.background)
    )
    names = {name for login, name in used if login == background}
    assert {"backchannel bell", "backchannel log", "backchannel sync"} <= names
    assert {name for login, name in used if login == operations} == {"backchannel"}
    assert {login for login, _ in used if login not in (operations, background)} <= {
        make_url(apart.settings.owner).username
    }
    assert (await apart.http.get("/readyz")).json()["checks"]["postgres"] == "ok"


async def test_the_janitor_does_its_work(apart: World) -> None:
    services, carol = apart.services, apart.carol
    channel = await carol.create_channel()
    await carol.say(channel)
    await upload(carol, channel, PDF)
    await begin(carol, channel, PDF)
    await apart.database.execute("update attachments set created_at = now() - interval '2 days'")
    await apart.database.execute("update events set occurred_at = now() - interval '2 days'")
    assert await janitor.trim_log(services, timedelta(days=1)) >= 2
    assert await janitor.forget_uploads(services) == 2
    await apart.database.execute("update removals set due_at = now()")
    assert await janitor.remove_objects(services) >= 1
    assert await apart.database.fetchval("select count(*) from rates") > 0
    await apart.database.execute("update rates set at = now() - interval '1 hour'")
    await services.rates.forget()
    assert await apart.database.fetchval("select count(*) from rates") == 0


async def test_documents_are_kept_and_forgotten(apart: World) -> None:
    text = "{ viewer { user { id } } }"
    hash = sha256(text.encode()).hexdigest()
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": hash}}
    headers = {"Authorization": f"Bearer {apart.carol.token}"}
    for body in ({"query": text}, {}, {}):
        answer = await apart.http.post(
            "/graphql", json={**body, "extensions": extensions}, headers=headers
        )
        assert answer.json()["data"]["viewer"]["user"]["id"] == apart.carol.id
        await apart.database.execute("update documents set used_at = now() - interval '2 hours'")
    await apart.database.execute("update documents set used_at = now() - interval '99 days'")
    await persisted(apart.settings, apart.services).forget()
    assert await apart.database.fetchval("select count(*) from documents") == 0


@pytest.mark.parametrize("missing", BACKGROUND)
async def test_who_lacks_a_role_of_the_background_is_not_ready(apart: World, missing: Role) -> None:
    roles = [role for role in BACKGROUND if role is not missing]
    async with (
        login(apart.settings.owner, *roles) as url,
        apart.another_server(background_url=url) as server,
    ):
        answer = await server.http.get("/readyz")
        line = f"may not be used as {missing}: run backchannel migrate, or grant it to the login"
        assert answer.json()["checks"]["postgres"] == line
        assert answer.status_code == 503


async def test_a_start_behind_a_pooler_that_lends_sessions_fails_and_says_why(
    apart: World,
) -> None:
    async with Pooler.to(apart.settings.database_url) as pooled:
        app = create_app(apart.settings.model_copy(update={"database_url": pooled}))
        with capture_logs() as logged, pytest.raises(Refusal):
            async with app.router.lifespan_context(app):
                raise AssertionError("it has started")
    [line] = [each for each in logged if each["event"] == "start.failed"]
    assert (line["log_level"], line["service"], line["line"]) == ("error", "postgres", SHARED)
