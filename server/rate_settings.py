"""How often an operator lets one person do something."""

from typing import Annotated

from pydantic import BaseModel, Field

from resolvers.rates import Kind
from server.setting_types import Proxies

PerMinute = Annotated[int, Field(ge=0, le=1_000_000)]


class RateSettings(BaseModel):
    """Limits for each person over all processes, and for each address of strangers."""

    rate_sends: PerMinute = Field(
        6000,
        description="Messages one person may send a minute, over all processes; 0 is no limit.",
    )
    rate_uploads: PerMinute = Field(
        600, description="Uploads one person may begin or complete a minute; 0 is no limit."
    )
    rate_mutations: PerMinute = Field(
        6000, description="Other mutations one person may do a minute; 0 is no limit."
    )
    rate_subscriptions: PerMinute = Field(
        6000, description="Subscriptions one person may begin a minute; 0 is no limit."
    )
    rate_sockets: PerMinute = Field(
        3000,
        description="Sockets and streams over HTTP one person may open a minute; 0 is no limit.",
    )
    rate_strangers: PerMinute = Field(
        6000,
        description="Requests and sockets without a valid token that one address (for IPv6 a /64) "
        "may make a minute; 0 is no limit.",
    )
    trusted_proxies: Proxies = Field(
        (),
        description="Addresses or networks of the proxies in front, with commas: only from them is "
        "`X-Forwarded-For` believed. By default the address of the connection is the client's.",
    )

    def per_minute(self) -> dict[Kind, int]:
        """The limits by what they limit."""
        return {kind: getattr(self, f"rate_{kind}") for kind in Kind}
