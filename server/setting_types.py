"""The kinds of value a setting can have.

What a value is refused for is said without the value: it may hold a password.
"""

import json
import re
from ipaddress import ip_address, ip_network
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import NoDecode

_ORIGIN = re.compile(r"https?://([a-z0-9.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")


def _begins(*schemes: str) -> AfterValidator:
    def check(value: str) -> str:
        if not any(value.startswith(scheme) and value != scheme for scheme in schemes):
            raise ValueError(f"must look like {schemes[0]}host…")
        return value

    return AfterValidator(check)


def _is_name(value: str) -> str:
    if not value or "$" in value or "\0" in value:
        raise ValueError("must be a name MongoDB allows, without $")
    return value


def _is_field(value: str) -> str:
    if "." in value:
        raise ValueError("must be a field of the document itself, without dots")
    return value


def split(value: object) -> object:
    """A list, out of ``a, b`` or ``["a", "b"]``."""
    if not isinstance(value, str):
        return value
    if not value.lstrip().startswith("["):
        return [part.strip() for part in value.split(",") if part.strip()]
    try:
        return json.loads(value)
    except ValueError:
        raise ValueError("is neither a list with commas nor JSON") from None


def _is_origin(value: str) -> str:
    origin = value.removesuffix("/").lower()
    if origin != "*" and not _ORIGIN.fullmatch(origin):
        raise ValueError("each must look like https://app.example.com, or be *")
    return origin


def _is_network(value: str) -> str:
    try:
        return str(ip_network(value)) if "/" in value else str(ip_address(value))
    except ValueError:
        raise ValueError("each must look like 10.0.0.1 or 10.0.0.0/8") from None


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


Lower = BeforeValidator(_lower)
PostgresUrl = Annotated[str, _begins("postgresql://", "postgres://")]
MongoUrl = Annotated[str, _begins("mongodb://", "mongodb+srv://")]
WebUrl = Annotated[str, _begins("https://", "http://")]
Name = Annotated[str, AfterValidator(_is_name)]
FieldName = Annotated[Name, AfterValidator(_is_field)]
Origins = Annotated[
    tuple[Annotated[str, AfterValidator(_is_origin)], ...], NoDecode, BeforeValidator(split)
]
"""Web origins as browsers write them: lower case, without a path; ``*`` is any."""
Proxies = Annotated[
    tuple[Annotated[str, AfterValidator(_is_network)], ...], NoDecode, BeforeValidator(split)
]
"""Addresses, and networks as ``address/bits``."""
Seconds = Annotated[float, Field(gt=0, le=86_400)]
