"""Settings: everything an operator can decide, read once from the environment.

Each setting is the field's name in capitals behind ``BACKCHANNEL_``. An empty
variable counts as absent. Only the server package reads settings; every other
layer is handed what it needs.
"""

import re
from typing import Annotated, Literal

import jwt
from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from server.auth import SHORTEST_SECRET
from server.document_settings import DocumentSettings
from server.message_settings import MessageSettings
from server.rate_settings import RateSettings
from server.setting_types import (
    FieldName,
    Lower,
    MongoUrl,
    Name,
    Origins,
    PostgresUrl,
    Seconds,
    WebUrl,
)
from server.sync_settings import SyncSettings
from server.upload_settings import UploadSettings

PREFIX = "BACKCHANNEL_"


def variable(name: str) -> str:
    """The environment variable of the field ``name``."""
    return PREFIX + name.upper()


class _Section(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        str_strip_whitespace=True,
        # A default can be wrong beside another setting.
        validate_default=True,
        # The text of a ValidationError must be safe to print: values are often passwords.
        hide_input_in_errors=True,
    )


class PostgresSettings(_Section):
    """Where PostgreSQL is: all that ``migrate`` needs."""

    database_url: PostgresUrl = Field(
        repr=False,
        description="PostgreSQL 15 to 18: `postgresql://user:password@host:5432/database`.",
    )
    database_pool_min: int = Field(2, ge=0, description="Connections each process keeps open.")
    database_pool_max: int = Field(10, ge=1, description="Connections each process opens at most.")
    database_timeout: Seconds = Field(
        10, description="Seconds one statement may take, and one wait for a connection."
    )
    owner_url: PostgresUrl | None = Field(
        None,
        repr=False,
        description="The login that owns the tables, for `backchannel migrate`; by default the "
        "database URL. `serve` does not need it.",
    )
    background_url: PostgresUrl | None = Field(
        None,
        repr=False,
        description="The login for what is done in the background, a member of backchannel_live, "
        "backchannel_sync and backchannel_janitor; by default the database URL. With it, the "
        "login in the database URL need be a member of backchannel_app alone.",
    )
    listen_url: PostgresUrl | None = Field(
        None,
        repr=False,
        description="Where to LISTEN, past a pooler such as PgBouncer that the other URLs lead "
        "through, which must be in session mode; by default the background URL.",
    )

    @property
    def owner(self) -> str:
        """Where to log in to change the schema."""
        return self.owner_url or self.database_url

    @property
    def background(self) -> str:
        """Where to log in for what is done for nobody in particular."""
        return self.background_url or self.database_url

    @property
    def bell(self) -> str:
        """Where to log in to LISTEN."""
        return self.listen_url or self.background

    @property
    def past_poolers(self) -> str:
        """Where to log in for locks, which belong to a session: as the background work does,
        and where there is one login for all, where we LISTEN.
        """
        return self.background_url or self.listen_url or self.database_url

    @field_validator("database_pool_max")
    @classmethod
    def _has_room(cls, most: int, info: ValidationInfo) -> int:
        if most < info.data.get("database_pool_min", 0):
            raise ValueError(f"is below {variable('database_pool_min')}")
        return most


class TokenSettings(_Section):
    """Whose tokens are believed: all that ``token`` needs."""

    jwt_secret: SecretStr | None = Field(
        None,
        description="The secret of HS256 tokens, taken as UTF-8 text, at least 32 bytes. "
        "Either this or the JWKS URL is required, never both.",
    )
    jwt_jwks_url: WebUrl | None = Field(
        None,
        description="Where the public keys of RS256, ES256 or EdDSA tokens are published (JWKS). "
        "Either this or the secret is required, never both.",
    )
    jwt_issuer: str | None = Field(
        None, description="What the claim `iss` must be; by default it is not looked at."
    )
    jwt_audience: str | None = Field(
        None, description="What the claim `aud` must be or contain; by default it is not looked at."
    )
    jwt_leeway: float = Field(
        10,
        ge=0,
        le=300,
        description="Seconds by which the issuer's clock may be ahead of ours (`nbf`, `iat`). "
        "An expired token is never accepted.",
    )

    @field_validator("jwt_secret")
    @classmethod
    def _is_secret(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is None:
            return None
        value = secret.get_secret_value()
        if len(value.encode()) < SHORTEST_SECRET:
            raise ValueError(f"must be at least {SHORTEST_SECRET} bytes long")
        try:
            jwt.get_algorithm_by_name("HS256").prepare_key(value)
        except jwt.PyJWTError:
            raise ValueError(
                f"is a key, not a secret; publish public keys at {variable('jwt_jwks_url')}"
            ) from None
        return secret

    @field_validator("jwt_jwks_url")
    @classmethod
    def _one_source_of_keys(cls, url: str | None, info: ValidationInfo) -> str | None:
        if "jwt_secret" in info.data and (info.data["jwt_secret"] is None) == (url is None):
            either = f"{variable('jwt_secret')} or {variable('jwt_jwks_url')}"
            raise ValueError(f"{either} is required" if url is None else f"{either}, not both")
        return url


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
