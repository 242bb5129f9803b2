"""Where a connection comes from, as far as strangers are told apart by it."""

from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network

from starlette.requests import HTTPConnection


def address_of(connection: HTTPConnection) -> str:
    """The client's address, or its network of 64 bits for IPv6, where one has billions to
    choose from. uvicorn has put it in the place of a trusted proxy's.
    """
    # No address is longer.
    return _network(connection.client.host[:64] if connection.client else "")


@lru_cache(1_000)
def _network(host: str) -> str:
    try:
        address = ip_address(host)
    except ValueError:
        # A Unix socket has none, and a proxy may have its own names for who is behind it.
        return host
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ip_network((address.packed[:8] + bytes(8), 64)))
