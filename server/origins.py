"""Which web pages may talk to us: those of our own origin and those the operator names."""

from starlette.requests import HTTPConnection


class Origins:
    """The pages that are let in. Programs that are no browsers send no Origin and pass."""

    def __init__(self, allowed: tuple[str, ...]) -> None:
        self._allowed = frozenset(allowed)

    def admits(self, connection: HTTPConnection) -> bool:
        """Whether the page this connection comes from may use the API."""
        origin = connection.headers.get("origin")
        if origin is None or "*" in self._allowed or origin.lower() in self._allowed:
            return True
        # An origin is a scheme and a host (RFC 6454, 6.1); what is none is no address of ours.
        host = origin.lower().partition("://")[2]
        return host != "" and host == connection.headers.get("host", "").lower()
