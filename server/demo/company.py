"""Everything of a demo but its servers: schema, people, history, tokens, and the application."""

import asyncio
import secrets
from pathlib import Path

import uvicorn
from pydantic import SecretStr

from server.app import create_app
from server.auth import SHORTEST_SECRET, issue_token
from server.demo import cast
from server.demo.box import CHANNELS, Demo
from server.demo.seed import seed
from server.embedded.folder import explained, write_private
from server.embedded.places import Places
from server.embedded.processes import BrokenError
from server.graphiql import DemoPerson, GraphiQL
from server.migrate import current, head, migrate
from server.serve import options
from server.services import object_store_config
from server.settings import Settings
from storage.objects import ObjectStore
from storage.postgres import Database
from storage.sight import Role

MONGO_DATABASE = "backchannel_demo"

TOKEN_LIFETIME = 7 * 86_400
"""Seconds."""


async def prepare(places: Places, data_dir: Path, address: str) -> tuple[Demo, Settings]:
    """Bring the servers to where Backchannel can use them; what is there already is kept."""
    with explained(data_dir):
        jwt_secret = _secret(data_dir / "jwt-secret")
    demo = Demo(
        data_dir=data_dir,
        address=address,
        places=places,
        mongo_database=MONGO_DATABASE,
        jwt_secret=jwt_secret,
        people=[
            DemoPerson(
                person.key,
                person.id,
                person.name,
                issue_token(person.id, secret=jwt_secret, lifetime=TOKEN_LIFETIME),
            )
            for person in cast.PEOPLE.values()
        ],
    )
    settings = _settings(demo)
    url = places.database_url
    if (await asyncio.to_thread(current, url) or "") < head():
        await asyncio.to_thread(migrate, url)
    owner = await Database.connect(url, min_size=0, max_size=1)
    in_step = await Database.connect(url, role=Role.SYNC, min_size=0, max_size=1)
    try:
        async with ObjectStore.open(object_store_config(settings)) as objects:
            await seed(owner, in_step, places.mongo_url, MONGO_DATABASE, objects)
    finally:
        await owner.close()
        await in_step.close()
    with explained(data_dir):
        demo.write()
    return demo, settings


def configuration(demo: Demo, settings: Settings) -> uvicorn.Config:
    """The application, and how uvicorn runs it."""
    graphiql = GraphiQL(people=demo.people, channels=CHANNELS)
    return uvicorn.Config(create_app(settings, graphiql), **options(settings))


def _settings(demo: Demo) -> Settings:
    places = demo.places
    return Settings(
        database_url=places.database_url,
        mongo_url=places.mongo_url,
        mongo_database=demo.mongo_database,
        s3_endpoint_url=places.s3_url,
        s3_bucket=places.s3_bucket,
        s3_region=places.s3_region,
        s3_access_key_id=places.s3_access_key_id,
        s3_secret_access_key=SecretStr(places.s3_secret_access_key),
        s3_path_style=True,
        jwt_secret=SecretStr(demo.jwt_secret),
        graphiql=True,
        introspection=True,
        # Its channels are older than logs are by default, and so is whoever comes back to it.
        event_retention_days=3_650,
        log_format="console",
    )


def _secret(file: Path) -> str:
    """The one that is kept there; a new one if there is none, for its owner's eyes."""
    if not file.exists():
        write_private(file, secrets.token_urlsafe(48))
    secret = file.read_text(errors="replace").strip()
    if len(secret) < SHORTEST_SECRET:
        raise BrokenError(f"{file} is damaged")
    return secret
