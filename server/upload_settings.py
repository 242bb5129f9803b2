"""What an operator decides about files."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field
from pydantic_settings import NoDecode

from server.setting_types import Seconds, split
from storage.file_types import KNOWN, RUNNABLE, is_name, named

LARGEST = 2_147_483_647
"""What a GraphQL Int holds."""

Bytes = Annotated[int, Field(ge=1, le=LARGEST)]


def _is_type(value: str) -> str:
    name = named(value)
    if not is_name(name):
        raise ValueError("each must look like image/png")
    if name in RUNNABLE:
        raise ValueError("must not have a type that browsers or computers run")
    return name


FileTypes = Annotated[
    tuple[Annotated[str, AfterValidator(_is_type)], ...], NoDecode, BeforeValidator(split)
]
"""Types of files; none that the one who opens them would run."""


class UploadSettings(BaseModel):
    """What may be sent, and how much of it."""

    upload_types: FileTypes = Field(
        tuple(KNOWN),
        description="Types of files that may be sent, with commas or as JSON; see "
        "[files](files.md#types) for the types that are checked best.",
    )
    upload_file_max_bytes: Bytes = Field(
        26_214_400, description="Bytes in a file that is none of the following, at most."
    )
    upload_image_max_bytes: Bytes = Field(26_214_400, description="Bytes in a picture, at most.")
    upload_sound_max_bytes: Bytes = Field(26_214_400, description="Bytes in a sound, at most.")
    upload_video_max_bytes: Bytes = Field(26_214_400, description="Bytes in a video, at most.")
    upload_max_open: int = Field(
        20,
        ge=1,
        le=1000,
        description="Uploads of one person that no message carries yet, at most.",
    )
    image_max_pixels: int = Field(
        50_000_000,
        ge=1,
        le=1_000_000_000,
        description="Pixels in a picture, at most. Looking at one takes up to 16 bytes for each.",
    )
    image_seconds: Seconds = Field(
        10, description="Seconds of the processor's time a picture may take before it is refused."
    )
