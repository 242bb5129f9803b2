"""The least a delivery can cost: ``websockets.broadcast`` on websockets' own server and uvloop.

    python -m benchmarks.contenders.broadcast PORT

Whoever connects to ``/room/NAME`` is sent whatever anybody sends to ``/send/NAME``, byte for byte.
It compresses nothing, as ours does.
"""

import sys
from collections import defaultdict

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve

rooms: defaultdict[str, set[ServerConnection]] = defaultdict(set)


async def one(connection: ServerConnection) -> None:
    """Serve a connection."""
    assert connection.request is not None
    _, role, name = connection.request.path.split("/")
    if role == "send":
        async for message in connection:
            broadcast(rooms[name], message)
        return
    rooms[name].add(connection)
    try:
        await connection.wait_closed()
    finally:
        rooms[name].discard(connection)


async def main() -> None:
    """Serve for ever."""
    async with serve(one, "127.0.0.1", int(sys.argv[1]), compression=None) as server:
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
