"""What an operator decides about messages."""

from pydantic import BaseModel, Field


class MessageSettings(BaseModel):
    """How long messages may be, and for how long they may be changed."""

    message_max_length: int = Field(
        4000, ge=1, le=100_000, description="Characters in a message, at most."
    )
    message_edit_seconds: int = Field(
        0,
        ge=0,
        le=2_147_483_647,
        description="Seconds after which a message cannot be edited any more; 0 is never.",
    )
    read_receipt_members: int = Field(
        100,
        ge=0,
        le=1000,
        description="Members of the largest channel with read receipts; 0 is none anywhere.",
    )
    message_delete_seconds: int = Field(
        0,
        ge=0,
        le=2_147_483_647,
        description="Seconds after which its sender cannot delete a message any more, unless they "
        "run the channel; 0 is never.",
    )
