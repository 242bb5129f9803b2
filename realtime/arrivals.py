"""Looking up what those who come to listen may hear: for many who come at once, at once."""

import asyncio

from storage import channels
from storage.postgres import Database
from storage.records import Membership

Place = tuple[str, str]
"""A channel and a person."""

MOST = 500
"""Places in one statement."""


class Arrivals:
    """Reads channels and people's places in them, in one statement for all who asked meanwhile.

    After a server is lost, thousands come back within seconds. One by one they
    would keep each other from the connections they need.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: dict[Place, asyncio.Future[Membership | None]] = {}
        self._reading: asyncio.Task[None] | None = None

    async def membership(self, channel_id: str, user_id: str) -> Membership | None:
        """See ``storage.channels.membership``: as it is after this was asked, or later.

        Raises UNAVAILABLE.
        """
        place = (channel_id, user_id)
        answer = self._waiting.get(place)
        if answer is None:
            answer = self._waiting[place] = asyncio.get_running_loop().create_future()
        if self._reading is None:
            self._reading = asyncio.create_task(self._read(), name="arrivals")
        return await asyncio.shield(answer)

    async def _read(self) -> None:
        try:
            while self._waiting:
                asked = dict(list(self._waiting.items())[:MOST])
                for place in asked:
                    del self._waiting[place]
                try:
                    found = await channels.places(self._database, list(asked))
                except Exception as error:
                    for answer in asked.values():
                        answer.set_exception(error)
                        # Those who asked may all be gone.
                        answer.exception()
                else:
                    for place, answer in asked.items():
                        answer.set_result(found.get(place))
        finally:
            self._reading = None
