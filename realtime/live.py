"""The live side of one process, put together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

from realtime.bell import PostgresBell
from realtime.follower import Follower
from realtime.hub import Hub
from realtime.stream import Stream
from realtime.tasks import running
from realtime.typing import Typing
from storage.events import Hint, Moved
from storage.postgres import Database


class Live:
    """Hub, bell, follower and typing of this process."""

    def __init__(self, database: Database, listen_url: str) -> None:
        self._database = database
        self.hub = Hub()
        self.bell = PostgresBell(
            listen_url,
            hear=self._hear,
            returned=self._look_everywhere,
        )
        self.typing = Typing(self.hub, self.bell)
        self.follower = Follower(database, self.hub, self.typing)

    @classmethod
    @asynccontextmanager
    async def open(cls, database: Database, listen_url: str) -> AsyncIterator[Self]:
        """Follow the database's log for as long as the block lasts."""
        live = cls(database, listen_url)
        database.on_commit = live.tell_moved
        async with running("bell", live.bell.run), running("follower", live.follower.run):
            yield live

    def _hear(self, hint: Hint) -> None:
        self.follower.hear(hint)

    def _look_everywhere(self) -> None:
        self.follower.look_everywhere()

    def tell_moved(self, moved: dict[str, int]) -> None:
        """A transaction of this process was committed: listeners here hear of it without a
        detour through PostgreSQL, those of other processes by the bell.
        """
        for channel_id, position in moved.items():
            hint = Moved(channel_id, position)
            self.follower.hear(hint)
            self.bell.ring(hint)

    def stream(
        self, channel_id: str, viewer_id: str, *, position: int, granted_at: int, is_guest: bool
    ) -> Stream:
        """A subscription from after ``position`` on, for somebody whose right to read the
        channel was checked when its log stood at ``granted_at``.
        """
        return Stream(
            self._database,
            self.hub,
            self.follower,
            channel_id=channel_id,
            viewer_id=viewer_id,
            position=position,
            granted_at=granted_at,
            is_guest=is_guest,
        )
