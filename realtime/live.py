"""The live side of one process, put together."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Self

from realtime.arrivals import Arrivals
from realtime.bell import PostgresBell
from realtime.follower import Follower
from realtime.hub import Hub
from realtime.inbox import Inbox
from realtime.inboxes import Inboxes
from realtime.markers import Markers
from realtime.presence import Presence, PresenceTimes
from realtime.reader import Reader
from realtime.stream import Stream
from realtime.tasks import running
from realtime.typing import Typing
from realtime.watches import Watch, Watches
from storage import presences
from storage.errors import Refusal
from storage.events import DirectoryChanged, Hint, Moved, Present, Seen
from storage.postgres import Database
from storage.records import ChannelRecord, Own

MOST_TOLD = 100
"""People of whom one transaction rings the bell."""

LAST_WORD_SECONDS = 1.0
"""How long a process that goes may take to say who has gone with it."""


class Live:
    """Hub, bell, follower, typing, inboxes and presence of this process."""

    def __init__(
        self, log: Database, listen_url: str, times: PresenceTimes, receipt_members: int
    ) -> None:
        self.database = log
        """For what is read to tell of events."""
        self.hub = Hub()
        self.bell = PostgresBell(
            listen_url,
            hear=self._hear,
            returned=self._look_everywhere,
        )
        self.typing = Typing(self.hub, self.bell)
        self.follower = Follower(log, self.hub, self.typing)
        self.inboxes = Inboxes(log)
        self.presence = Presence(log, self.bell, times)
        self.watches = Watches(log)
        self.markers = Markers(log, self.hub, self.bell, receipt_members)
        self._reader = Reader(log)
        self.arrivals = Arrivals(log)
        self.on_directory_change: Callable[[str | None], None] = _nobody_cares
        """Called when the directory is known to say something else of a person; None:
        perhaps of everybody, as when nobody could be heard for a while.
        """

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        log: Database,
        listen_url: str,
        times: PresenceTimes | None = None,
        receipt_members: int = 100,
    ) -> AsyncIterator[Self]:
        """Follow the log for as long as the block lasts.

        ``log`` is a pool of the live side's own: it must not wait behind
        operations when those have taken every connection of theirs. ``receipt_members`` is
        how many members the largest channel with read receipts has.
        """
        live = cls(log, listen_url, times or PresenceTimes(), receipt_members)
        async with (
            running("bell", live.bell.run),
            running("follower", live.follower.run),
            running("inboxes", live.inboxes.run),
            running("presence", live.presence.run),
            running("watches", live.watches.run),
            running("markers", live.markers.run),
        ):
            yield live
        # Those who were cut off are still there for a while. Who cannot write that down in a
        # moment goes all the same: the presences of a server that died end by themselves.
        with suppress(Refusal, TimeoutError):
            async with asyncio.timeout(LAST_WORD_SECONDS):
                await live.presence.write()

    def _hear(self, hint: Hint) -> None:
        self.follower.hear(hint)
        if isinstance(hint, Moved | Own):
            self.inboxes.hear(hint)
        elif isinstance(hint, Present):
            self.watches.hear(hint)
        elif isinstance(hint, Seen):
            self.markers.hear(hint)
        elif isinstance(hint, DirectoryChanged):
            self.on_directory_change(hint.user_id)

    def _look_everywhere(self) -> None:
        self.follower.look_everywhere()
        self.inboxes.look_everywhere()
        self.watches.look_everywhere()
        self.markers.look_everywhere()
        self.on_directory_change(None)

    def tell_moved(self, moved: dict[str, int]) -> None:
        """A transaction of this process was committed: listeners here hear of it without a
        detour through PostgreSQL, those of other processes by the bell.
        """
        for channel_id, position in moved.items():
            hint = Moved(channel_id, position)
            self._hear(hint)
            self.bell.ring(hint)

    def tell_own(self, own: list[Own]) -> None:
        """A transaction of this process has changed what is these people's own: their inboxes
        hear of it, here at once and elsewhere by the bell; of very many by the poll alone.
        """
        for hint in own:
            self._hear(hint)
            if len(own) <= MOST_TOLD:
                self.bell.ring(hint)

    def tell_directory(self, user_ids: Iterable[str] | None) -> None:
        """The directory says something else of these people, or perhaps of everybody (None):
        let every process look.
        """
        changed = [None] if user_ids is None else list(user_ids)
        for user_id in [None] if len(changed) > MOST_TOLD else changed:
            hint = DirectoryChanged(user_id)
            self._hear(hint)
            self.bell.ring(hint)

    async def online(self, user_ids: Iterable[str]) -> set[str]:
        """Which of these people are online."""
        return await presences.online(self.database, list(user_ids))

    def stream(
        self,
        channel: ChannelRecord,
        viewer_id: str,
        *,
        position: int,
        is_guest: bool,
        follows_markers: bool = False,
    ) -> Stream:
        """A subscription from after ``position`` on, for somebody whose right to read the
        channel was checked when the record was read. ``follows_markers`` is whether it is
        for how far others have read.
        """
        return Stream(
            self.hub,
            self.follower,
            self._reader,
            self.typing,
            channel_id=channel.id,
            viewer_id=viewer_id,
            epoch=channel.epoch,
            position=position,
            granted_at=channel.position,
            is_guest=is_guest,
            follows_markers=follows_markers,
        )

    def inbox(self, viewer_id: str, *, hears_reactions: bool) -> Inbox:
        """A subscription to a person's sidebar, which is theirs to see."""
        return Inbox(self.inboxes, viewer_id, hears_reactions=hears_reactions)

    def watch(self, viewer_id: str, user_ids: list[str], is_client: Callable[[], bool]) -> Watch:
        """A subscription to these people's presence, as far as the viewer may see them."""
        return Watch(self.watches, viewer_id, user_ids, is_client)

    def arrived(self, user_id: str, device: object) -> None:
        """A person has opened a connection, which stays."""
        self.presence.connected(user_id, device)

    def left(self, user_id: str, device: object, *, said_goodbye: bool) -> None:
        """A person's connection has ended, and with it what was done by it alone."""
        self.presence.disconnected(user_id, device, said_goodbye=said_goodbye)
        is_last = not self.presence.is_connected(user_id)
        self.typing.lost(user_id, device, is_last=is_last)


def _nobody_cares(_: str | None) -> None:
    """Until somebody does."""
