"""Settings about PostgreSQL."""

from pydantic import Field, ValidationInfo, field_validator

from server.section import Section, variable
from server.setting_types import PostgresUrl, Seconds


class PostgresSettings(Section):
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
