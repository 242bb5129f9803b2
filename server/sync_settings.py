"""What an operator decides about the channels that the directory makes."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field
from pydantic_settings import NoDecode

from server.setting_types import FieldName, Seconds, split

Kind = Literal["department", "project", "general", "client_support"]

KINDS: tuple[Kind, ...] = ("department", "project", "general", "client_support")


def _none(value: object) -> object:
    """An empty variable counts as absent, so that nothing has to have a name."""
    return () if value == "none" else split(value)


Kinds = Annotated[tuple[Kind, ...], NoDecode, BeforeValidator(_none)]

Values = Annotated[
    tuple[Annotated[str, AfterValidator(str.lower)], ...], NoDecode, BeforeValidator(split)
]


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(split)]


class SyncSettings(BaseModel):
    """Which channels are kept in step with MongoDB, and how."""

    directory_channels: Kinds = Field(
        KINDS,
        description="The channels that are made from MongoDB and kept in step with it: "
        "`department`, `project`, `general`, `client_support`, with commas; or `none`.",
    )
    general_channel_name: str = Field(
        "general",
        min_length=1,
        max_length=80,
        description="The name of the channel that everybody inside is in.",
    )
    general_departments: Names = Field(
        (),
        description="Departments that have a general channel besides, for their people alone: "
        "names or ids, with commas or as a JSON list; `*` is every one.",
    )
    sync_seconds: Seconds = Field(
        60,
        description="Seconds between two looks at all of MongoDB. Where it has change streams, "
        "changes are seen at once.",
    )
    project_status_field: FieldName = Field(
        "status", description="Whether a project is closed; a project without it is open."
    )
    project_closed_values: Values = Field(
        ("archived", "canceled", "cancelled", "closed", "completed", "done"),
        description="What the status of a closed project is, with commas; `false` is a boolean's.",
    )
