"""The program behind EmbeddedMongo: MongoDB's wire protocol over SQLite (nx-27017)."""

import asyncio
import logging
import signal
from concurrent.futures import ThreadPoolExecutor

from neosqlite.collection import query_helper
from nx_27017.server import handle_client

from server.embedded import launch
from server.embedded.mongo_waiting import WaitingHandler

MOST_AT_ONCE = 256
"""Commands; each change stream that waits for more is one."""


async def main() -> None:
    """Serve until SIGTERM."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    given = launch.arguments()
    # Its translation to SQL finds nothing by an ObjectId; the slower way finds what MongoDB finds.
    query_helper.set_force_fallback(True)
    handler = WaitingHandler(str(given.folder))
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(MOST_AT_ONCE))
    loop.add_signal_handler(signal.SIGTERM, stopped.set)

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await handle_client(reader, writer, handler)

    server = await asyncio.start_server(client, "127.0.0.1", given.port)
    launch.tell(given.ready, server.sockets[0].getsockname()[1])
    await stopped.wait()
    server.close()
    handler.close_all()


if __name__ == "__main__":
    asyncio.run(main())
