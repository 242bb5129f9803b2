"""Settings: everything an operator can decide, read once from the environment.

Each setting is the field's name in capitals behind ``BACKCHANNEL_``. An empty
variable counts as absent. Only the server package reads settings; every other
layer is handed what it needs.
"""

import re
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator

from server.document_settings import DocumentSettings
from server.message_settings import MessageSettings
from server.postgres_settings import PostgresSettings
from server.rate_settings import RateSettings
from server.section import PREFIX, variable
from server.setting_types import (
    FieldName,
    Lower,
    MongoUrl,
    Name,
    Origins,
    Seconds,
    WebUrl,
)
from server.sync_settings import SyncSettings
from server.token_settings import TokenSettings
from server.upload_settings import UploadSettings


class Settings(
    UploadSettings,
    SyncSettings,
    RateSettings,
    DocumentSettings,
    MessageSettings,
    TokenSettings,
    PostgresSettings,
):
    """Everything ``serve`` needs."""

    mongo_url: MongoUrl = Field(
        repr=False,
        description="The MongoDB your users are in: `mongodb://user:password@host:27017`.",
    )
    mongo_database: Name = Field(description="The database your users are in.")
    mongo_driver: Literal["pymongo", "motor"] = Field(
        "pymongo", description="`pymongo`, or `motor` with the extra of that name."
    )
    mongo_timeout: Seconds = Field(1.5, description="Seconds one look into the directory may take.")

    users_collection: Name = Field("users", description="The collection of people.")
    user_name_field: FieldName = Field("name", description="A person's name.")
    user_email_field: FieldName = Field("email", description="A person's e-mail address.")
    user_avatar_field: FieldName = Field("avatar", description="The URL of a person's picture.")
    user_is_client_field: FieldName = Field(
        "isClient", description="True for clients, who see only their own channels."
    )
    user_status_field: FieldName = Field("status", description="Whether a person is active.")
    user_active_value: str = Field("active", description="What the status of an active person is.")
    user_department_field: FieldName = Field(
        "departmentId", description="The person's department, an ObjectId."
    )
    user_team_field: FieldName = Field("teamId", description="The person's team, an ObjectId.")
    user_role_field: FieldName = Field("role", description="The person's role, an ObjectId.")
    departments_collection: Name = Field(
        "departments", description="The collection of departments."
    )
    department_name_field: FieldName = Field("name", description="A department's name.")
    department_head_field: FieldName = Field(
        "headId", description="A department's head, an ObjectId."
    )
    projects_collection: Name = Field("projects", description="The collection of projects.")
    project_name_field: FieldName = Field("name", description="A project's name.")
    project_members_field: FieldName = Field(
        "assignedUserIds", description="A project's people, a list of ObjectIds."
    )
    roles_collection: Name = Field("roles", description="The collection of roles.")
    role_name_field: FieldName = Field("name", description="A role's name.")
    role_permissions_field: FieldName = Field(
        "permissions", description="What a role allows, a list."
    )
    permission_resource_field: FieldName = Field(
        "resource", description="In that list: what may be acted upon."
    )
    permission_actions_field: FieldName = Field(
        "actions", description="In that list: the actions allowed."
    )
    super_admin_role: str = Field(
        "super_admin", description="The name of the role that may do everything."
    )
    super_admin_reads_everything: bool = Field(
        False,
        description="Super admins read private channels and direct messages they are not in; "
        "each such read is recorded.",
    )

    profile_cache_seconds: Seconds = Field(
        60, description="Seconds a person's name and picture are remembered."
    )
    session_cache_seconds: Seconds = Field(
        3, description="Seconds after which a person disabled in MongoDB can do nothing any more."
    )

    s3_bucket: str = Field(min_length=3, max_length=63, description="The bucket files are kept in.")
    s3_endpoint_url: WebUrl | None = Field(
        None, description="The S3 server, where it is not Amazon's."
    )
    s3_public_url: WebUrl | None = Field(
        None, description="The S3 server as clients reach it, if not at the endpoint URL."
    )
    s3_region: str = Field("us-east-1", description="The bucket's region.")
    s3_access_key_id: str | None = Field(
        None,
        description="With the secret access key: who we are. By default as the AWS tools find out.",
    )
    s3_secret_access_key: SecretStr | None = Field(None, description="See the access key id.")
    s3_path_style: bool = Field(
        default_factory=lambda given: given.get("s3_endpoint_url") is not None,
        description="Name the bucket in the path and not in the host. By default where there is an "
        "endpoint URL: Amazon's S3 wants it in the host, few others know that.",
    )
    s3_timeout: Seconds = Field(2.0, description="Seconds in which whoever needs S3 has an answer.")

    allowed_origins: Origins = Field(
        (),
        description="Web origins whose pages may call us: `https://a.example, https://b.example` "
        "or a JSON list; `*` is any. By default only pages from our own origin.",
    )
    graphiql: bool = Field(False, description="Serve GraphiQL at `/graphiql`.")
    introspection: bool = Field(False, description="Answer introspection queries.")
    host: str = Field(
        "127.0.0.1", description="The address to listen on; `0.0.0.0` is all of them."
    )
    port: int = Field(8000, ge=0, le=65_535, description="The port to listen on.")
    workers: int = Field(1, ge=1, le=256, description="Processes that share the port.")
    shutdown_seconds: Seconds = Field(
        6,
        description="Seconds a stopping process gives to what is under way; then it takes up to"
        " four more to let go of servers that are silent.",
    )

    direct_messages: Literal["team", "everybody"] = Field(
        "team", description="Whom people may write to: their own `team`, or `everybody`."
    )
    admins_across_teams: bool = Field(
        True, description="Who may manage members may write to people of any team and to clients."
    )
    general_posts: Annotated[Literal["permission", "everybody"], Lower] = Field(
        "permission",
        description="Who may write in general channels: who has the ERP's `permission`, or "
        "`everybody` inside.",
    )

    presence_heartbeat_seconds: Seconds = Field(
        25, description="Seconds between two calls of `setPresence` by a client without a socket."
    )
    presence_grace_seconds: Seconds = Field(
        10,
        description="Seconds by which such a call may be late, and which a lost connection has to "
        "come back, before its person is offline.",
    )
    presence_away_seconds: Seconds = Field(
        300, description="Seconds without a request after which a person is away."
    )

    event_retention_days: float = Field(
        30,
        gt=0,
        le=36_500,
        description="Days the log of events reaches back: who was away for longer fetches anew. "
        "Messages stay.",
    )

    connection_init_seconds: Seconds = Field(
        5, description="Seconds a new socket has to send `connection_init`."
    )
    socket_max_frame_bytes: int = Field(
        65_536, ge=1024, description="Bytes in one frame from a client, at most."
    )
    socket_keepalive_seconds: Seconds = Field(
        20, description="Seconds between two pings to a client."
    )
    socket_max_operations: int = Field(
        100, ge=1, description="Operations one socket may run at a time."
    )
    socket_outbox_bytes: int = Field(
        1_048_576,
        ge=65_536,
        description="Bytes that may wait for a slow reader before its socket is closed.",
    )

    log_level: Annotated[Literal["debug", "info", "warning", "error"], Lower] = Field(
        "info",
        description="The least important lines to log: `debug`, `info`, `warning` or `error`.",
    )
    log_format: Annotated[Literal["json", "console"], Lower] = Field(
        "json", description="`json`, an object a line, or `console`, for people."
    )

    @field_validator("graphiql")
    @classmethod
    def _may_ask_anything(cls, graphiql: bool, info: ValidationInfo) -> bool:
        if graphiql and info.data.get("trusted_documents_only"):
            other = variable("trusted_documents_only")
            raise ValueError(f"is of no use with {other}: what is typed there is not trusted")
        return graphiql

    @field_validator("s3_secret_access_key")
    @classmethod
    def _whole_credentials(cls, key: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if "s3_access_key_id" in info.data and (info.data["s3_access_key_id"] is None) != (
            key is None
        ):
            raise ValueError(f"goes together with {variable('s3_access_key_id')}")
        return key


def problems(error: ValidationError) -> list[str]:
    """What is wrong, one line each, naming the variable and never its value."""
    lines = []
    for detail in error.errors(include_url=False, include_input=False):
        reason = str(detail.get("ctx", {}).get("error", detail["msg"]))
        if detail["type"] == "default_factory_not_called":
            continue  # a default that depends on a setting that is wrong itself
        if detail["type"] == "missing":
            reason = "is required"
        elif detail["type"] == "extra_forbidden":
            reason = "is not a setting"
        if not reason.startswith(PREFIX):
            reason = re.sub(r"^[A-Z]\w+ should", "should", reason)
            reason = f"{variable(str(detail['loc'][0]))} {reason}"
        lines.append(reason)
    return list(dict.fromkeys(lines))
