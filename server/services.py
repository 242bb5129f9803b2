"""The servers behind one process, opened and closed together."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from pymongo import AsyncMongoClient, ReadPreference

from loaders.profiles import Profiles
from loaders.roster import Roster
from realtime.live import Live
from realtime.presence import PresenceTimes
from resolvers.rates import Rates
from resolvers.services import Rules, Services, UploadRules
from server.settings import Settings
from storage.directory import Directory, DirectoryNames
from storage.file_types import FileKind
from storage.incarnation import recognise
from storage.objects import ObjectStore, ObjectStoreConfig
from storage.pictures import PictureLimits, Pictures
from storage.postgres import Database
from storage.sight import Role

LOG_CONNECTIONS = 4
"""For telling of events, besides those of the operations and the bell's one."""

LOG_SECONDS = 4.0
"""What one look into the log may take: over a line that was cut in silence it takes for ever,
and everybody waits for it."""

BACKGROUND_CONNECTIONS = 4


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncIterator[Services]:
    """Everything operations use, for as long as the block lasts. Raises UNAVAILABLE when
    PostgreSQL cannot be reached; MongoDB and S3 may come later.
    """
    async with AsyncExitStack() as stack:
        database = await Database.connect(
            settings.database_url,
            min_size=settings.database_pool_min,
            max_size=settings.database_pool_max,
            role=Role.APP,
            timeout=settings.database_timeout,
            init=recognise,
        )
        stack.push_async_callback(database.close)
        directory = await stack.enter_async_context(open_directory(settings))
        objects = await stack.enter_async_context(ObjectStore.open(object_store_config(settings)))
        log = await Database.connect(
            settings.background,
            role=Role.LIVE,
            min_size=1,
            max_size=LOG_CONNECTIONS,
            timeout=min(settings.database_timeout, LOG_SECONDS),
            # One event for many who ask for much may need hundreds of statements.
            turns_away=False,
            name="backchannel log",
            init=recognise,
        )
        stack.push_async_callback(log.close)
        times, most = presence_times(settings), settings.read_receipt_members
        live = await stack.enter_async_context(Live.open(log, settings.bell, times, most))
        housekeeping = await stack.enter_async_context(working_as(Role.JANITOR, settings))
        database.on_commit = live.tell_moved
        database.on_touch = live.tell_own
        yield Services(
            database=database,
            directory=directory,
            profiles=Profiles(
                directory, settings.profile_cache_seconds, settings.session_cache_seconds
            ),
            roster=Roster(directory, settings.profile_cache_seconds),
            objects=objects,
            pictures=Pictures(
                PictureLimits(pixels=settings.image_max_pixels, seconds=settings.image_seconds)
            ),
            live=live,
            housekeeping=housekeeping,
            rates=Rates(housekeeping, settings.per_minute()),
            rules=Rules(
                message_max_length=settings.message_max_length,
                receipt_members=settings.read_receipt_members,
                message_edit_seconds=settings.message_edit_seconds,
                message_delete_seconds=settings.message_delete_seconds,
                direct_messages=settings.direct_messages,
                admins_across_teams=settings.admins_across_teams,
                general_posts=settings.general_posts,
                super_admin_role=settings.super_admin_role,
                super_admin_reads_everything=settings.super_admin_reads_everything,
                uploads=_upload_rules(settings),
            ),
        )


@asynccontextmanager
async def working_as(role: Role, settings: Settings) -> AsyncIterator[Database]:
    """Connections for work in the background, made when there is some. Raises UNAVAILABLE."""
    database = await Database.connect(
        settings.background,
        role=role,
        min_size=0,
        max_size=BACKGROUND_CONNECTIONS,
        timeout=settings.database_timeout,
        name=role.replace("_", " "),
        init=recognise,
    )
    try:
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def open_directory(settings: Settings) -> AsyncIterator[Directory]:
    """The host application's people; MongoDB may come later."""
    async with _mongo(settings) as mongo:
        # Who is gone is gone: a secondary that lags behind would say otherwise for as long, and of
        # what a change stream has just told it may not know yet.
        database = mongo.get_database(
            settings.mongo_database, read_preference=ReadPreference.PRIMARY_PREFERRED
        )
        yield Directory(database, directory_names(settings), settings.mongo_timeout)


@asynccontextmanager
async def _mongo(settings: Settings) -> AsyncIterator[Any]:
    milliseconds = int(settings.mongo_timeout * 1000)
    options: dict[str, Any] = {
        "serverSelectionTimeoutMS": milliseconds,
        "connectTimeoutMS": milliseconds,
        "socketTimeoutMS": milliseconds,
        "appname": "backchannel",
    }
    if settings.mongo_driver == "motor":
        from motor.motor_asyncio import AsyncIOMotorClient

        motor: Any = AsyncIOMotorClient(settings.mongo_url, **options)
        try:
            yield motor
        finally:
            motor.close()
    else:
        client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(settings.mongo_url, **options)
        async with client:
            yield client


def directory_names(settings: Settings) -> DirectoryNames:
    """What the host application calls things."""
    return DirectoryNames(
        users=settings.users_collection,
        departments=settings.departments_collection,
        projects=settings.projects_collection,
        roles=settings.roles_collection,
        user_name=settings.user_name_field,
        user_email=settings.user_email_field,
        user_avatar=settings.user_avatar_field,
        user_is_client=settings.user_is_client_field,
        user_status=settings.user_status_field,
        user_active_value=settings.user_active_value,
        user_department=settings.user_department_field,
        user_team=settings.user_team_field,
        user_role=settings.user_role_field,
        department_name=settings.department_name_field,
        department_head=settings.department_head_field,
        project_name=settings.project_name_field,
        project_members=settings.project_members_field,
        project_status=settings.project_status_field,
        project_closed_values=frozenset(settings.project_closed_values),
        role_name=settings.role_name_field,
        role_permissions=settings.role_permissions_field,
        permission_resource=settings.permission_resource_field,
        permission_actions=settings.permission_actions_field,
    )


def presence_times(settings: Settings) -> PresenceTimes:
    """After how long people are away, and gone."""
    return PresenceTimes(
        heartbeat=settings.presence_heartbeat_seconds,
        grace=settings.presence_grace_seconds,
        away=settings.presence_away_seconds,
    )


def _upload_rules(settings: Settings) -> UploadRules:
    return UploadRules(
        types=frozenset(settings.upload_types),
        most_bytes={
            FileKind.FILE: settings.upload_file_max_bytes,
            FileKind.IMAGE: settings.upload_image_max_bytes,
            FileKind.SOUND: settings.upload_sound_max_bytes,
            FileKind.VIDEO: settings.upload_video_max_bytes,
        },
        most_open=settings.upload_max_open,
    )


def object_store_config(settings: Settings) -> ObjectStoreConfig:
    """Where the files are."""
    secret = settings.s3_secret_access_key
    return ObjectStoreConfig(
        bucket=settings.s3_bucket,
        region=settings.s3_region,
        endpoint_url=settings.s3_endpoint_url,
        public_url=settings.s3_public_url,
        access_key_id=settings.s3_access_key_id,
        secret_access_key=secret.get_secret_value() if secret else None,
        path_style=settings.s3_path_style,
        timeout=settings.s3_timeout,
    )
