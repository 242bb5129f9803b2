"""Writing a channel's history as if it happened now, and then setting the clocks back."""

from collections.abc import Sequence
from datetime import datetime

from resolvers import calls, inputs
from server.demo import cast, picture
from server.demo.acts import Act, Deleted, Edited, Joined, Reacted, Read, Sent
from server.demo.cast import Channel
from server.demo.history import Message
from storage import events, ids, members, messages, reactions, reading
from storage.objects import FILES
from storage.postgres import Transaction
from storage.records import EventKind, MessageContentType

PICTURE_KEY = f"{FILES}/demo/{picture.NAME}"


class Scribe:
    """Writes one channel's history with the statements the resolvers use, and notes the times.

    To the database all of it happens now; ``set_clocks`` corrects that in the end.
    """

    def __init__(self, transaction: Transaction, channel: Channel) -> None:
        self._transaction = transaction
        self._channel = channel
        self._ids: dict[Message, str] = {}
        self._times: list[datetime] = []

    async def write(self, history: Sequence[Act]) -> None:
        """Do it all, in this order."""
        for act in history:
            await self._write(act)
        await self._transaction.execute(_OCCURRED, self._channel.id, self._times)

    async def _write(self, act: Act) -> None:
        match act:
            case Joined():
                await self._join(act.at)
            case Sent():
                await self._send(act)
            case Edited(at, message):
                await messages.edit(
                    self._transaction,
                    self._ids[message],
                    content=message.text,
                    mentions_channel=calls.mentions_channel(message.text),
                    here=_here(message.text),
                )
                await self._log(EventKind.MESSAGE_EDITED, at, message, message.who)
            case Deleted(at, message):
                await messages.delete(self._transaction, self._ids[message])
                await self._log(EventKind.MESSAGE_DELETED, at, message, message.who)
            case Reacted(at, message, emoji, who):
                emoji = inputs.reaction(emoji)
                await reactions.add(
                    self._transaction, self._ids[message], emoji, cast.PEOPLE[who].id
                )
                await self._log(EventKind.REACTION_ADDED, at, message, who, emoji)
            case Read(at, message, who):
                user_id = cast.PEOPLE[who].id
                await reading.mark_read(
                    self._transaction, self._channel.id, user_id, self._ids[message]
                )
                await self._transaction.execute(_READ, self._channel.id, user_id, at)

    async def _join(self, at: datetime) -> None:
        people = {cast.PEOPLE[key].id: role for key, role in self._channel.members.items()}
        creator = next(iter(people))
        for user_id, role in people.items():
            invited_by = None if user_id == creator else creator
            await members.add(
                self._transaction, self._channel.id, [user_id], role=role, invited_by=invited_by
            )
        await events.append(
            self._transaction,
            self._channel.id,
            EventKind.MEMBER_JOINED,
            actor_id=creator,
            user_ids=people,
        )
        self._times += [at] * len(people)
        for column, keys in (
            ("is_muted", self._channel.muted_by),
            ("is_pinned", self._channel.pinned_by),
        ):
            await self._transaction.execute(
                f"update members set {column} = true where channel_id = $1 and user_id = any($2)",
                self._channel.id,
                [cast.PEOPLE[key].id for key in keys],
            )

    async def _send(self, act: Sent) -> None:
        said = act.message
        text = said.at_first or said.text
        message_id = ids.new_id()
        self._ids[said] = message_id
        await messages.insert(
            self._transaction,
            message_id,
            channel_id=self._channel.id,
            sender_id=cast.PEOPLE[said.who].id,
            content=text,
            content_type=MessageContentType.TEXT,
            parent_id=self._ids[act.root] if act.root else None,
            mentioned_user_ids=[cast.PEOPLE[key].id for key in said.mentions],
            mentions_channel=calls.mentions_channel(text),
            here=_here(text),
            client_message_id=None,
            client_digest=None,
        )
        self._times.append(act.at)
        if said.image:
            await self._transaction.execute(
                _PICTURE,
                ids.new_id(),
                self._channel.id,
                message_id,
                cast.PEOPLE[said.who].id,
                PICTURE_KEY,
                picture.NAME,
                len(picture.draw()),
                picture.TYPE,
                picture.WIDTH,
                picture.HEIGHT,
            )

    async def _log(
        self, kind: EventKind, at: datetime, message: Message, who: str, detail: str | None = None
    ) -> None:
        user_id = cast.PEOPLE[who].id
        await events.append(
            self._transaction,
            self._channel.id,
            kind,
            actor_id=user_id,
            message_id=self._ids[message],
            user_ids=[user_id],
            detail=detail,
        )
        self._times.append(at)


def _here(text: str) -> bytes | None:
    """Whom @here calls: nobody has been online yet."""
    return b"" if calls.mentions_here(text) else None


async def set_clocks(transaction: Transaction, channel_ids: list[str]) -> None:
    """Let everything in these channels have been when the log says it was."""
    for statement in _TIMES:
        await transaction.execute(statement, channel_ids)


_PICTURE = """
insert into attachments
       (id, channel_id, message_id, uploader_id, object_key, file_name, file_size, mime_type,
        width, height, completed_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, now())
"""

_READ = """
update members
   set last_read_at = $3
 where channel_id = $1
   and user_id = $2
"""

_OCCURRED = """
update events e
   set occurred_at = times.at
  from unnest($2::timestamptz[]) with ordinality as times (at, position)
 where e.channel_id = $1
   and e.position = times.position
"""

# The log knows when everything was.
_TIMES = (
    """
    update messages m
       set created_at = e.occurred_at
      from events e
     where e.channel_id = any($1::uuid[])
       and e.message_id = m.id
       and e.kind = 'MessageSent'
    """,
    """
    update messages m
       set edited_at = e.occurred_at
      from events e
     where e.channel_id = any($1::uuid[])
       and e.message_id = m.id
       and e.kind = 'MessageEdited'
    """,
    """
    update messages m
       set deleted_at = e.occurred_at
      from events e
     where e.channel_id = any($1::uuid[])
       and e.message_id = m.id
       and e.kind = 'MessageDeleted'
    """,
    """
    update revisions r
       set edited_at = m.created_at
      from messages m
     where m.channel_id = any($1::uuid[])
       and m.id = r.message_id
    """,
    """
    update reactions r
       set created_at = e.occurred_at
      from events e
     where e.channel_id = any($1::uuid[])
       and e.message_id = r.message_id
       and e.kind = 'ReactionAdded'
       and e.user_id = r.user_id
       and e.detail = r.emoji
    """,
    """
    update attachments a
       set created_at   = m.created_at - interval '40 seconds',
           completed_at = m.created_at - interval '30 seconds'
      from messages m
     where m.channel_id = any($1::uuid[])
       and m.id = a.message_id
    """,
    """
    update members m
       set joined_at = e.occurred_at
      from events e
     where e.channel_id = any($1::uuid[])
       and e.channel_id = m.channel_id
       and e.kind = 'MemberJoined'
       and e.user_id = m.user_id
    """,
    """
    update channels c
       set created_at      = e.occurred_at,
           updated_at      = e.occurred_at,
           last_message_at = (select created_at from messages m where m.id = c.last_message_id)
      from events e
     where e.channel_id = any($1::uuid[])
       and e.channel_id = c.id
       and e.position = 1
    """,
)
