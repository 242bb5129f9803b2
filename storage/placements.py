"""Whom the directory places in a channel: the SQL.

A row for everybody whom the directory wants there, for as long as it does. Whoever
is a member without one came by hand; whoever has one and is no member opted out.
"""

from typing import NamedTuple

from storage.postgres import Transaction

# Who is a member already came by hand, and stays by hand.
PLACE = """
insert into placements as p (channel_id, user_id, role, by_hand)
select $1, person.id, person.role,
       (select true
          from members m
         where m.channel_id = $1
           and m.user_id = person.id) is not null
  from unnest($2::text[], $3::text[]) as person (id, role)
    on conflict do nothing
returning p.user_id, p.role, p.by_hand
"""

DISPLACE = """
delete from placements
 where channel_id = $1
   and user_id = any($2::text[])
returning user_id, role, by_hand or left_at is not null
"""

# A role that was given by hand stays.
RECAST = """
with recast as (
    update placements p
       set role = person.role
      from unnest($2::text[], $3::text[], $4::text[]) as person (id, was, role)
     where p.channel_id = $1
       and p.user_id = person.id
       and p.role = person.was
    returning p.user_id, person.was, person.role
)
update members m
   set role = recast.role
  from recast
 where m.channel_id = $1
   and m.user_id = recast.user_id
   and m.role = recast.was
returning m.user_id, m.role
"""

# Whom the directory makes more than they were by hand, and back again.
CAST = """
update members m
   set role = person.role
  from unnest($2::text[], $3::text[], $4::text[]) as person (id, was, role)
 where m.channel_id = $1
   and m.user_id = person.id
   and m.role = person.was
   and m.role <> person.role
returning m.user_id, m.role
"""

ADDED = """
update placements
   set by_hand = by_hand or $3,
       left_at = null
 where channel_id = $1
   and user_id = any($2::text[])
"""

LEFT = """
update placements
   set by_hand = false,
       left_at = now()
 where channel_id = $1
   and user_id = $2
"""


class Placed(NamedTuple):
    """Somebody the directory has just placed in a channel."""

    user_id: str
    role: str
    by_hand: bool
    """They were a member already."""


class Displaced(NamedTuple):
    """Somebody the directory has just let go of."""

    user_id: str
    role: str
    stays: bool
    """They are there by hand too, or have left already: nothing changes for them."""


class Cast(NamedTuple):
    """Somebody's role, before and after."""

    user_id: str
    was: str
    role: str


async def place(
    transaction: Transaction, channel_id: str, roles: list[tuple[str, str]]
) -> list[Placed]:
    """Note that the directory wants these people, each with a role; answers the new ones.

    The caller holds the channel's lock and makes those members who are not.
    """
    people, given = [user_id for user_id, _ in roles], [role for _, role in roles]
    return [Placed(*row) for row in await transaction.fetch(PLACE, channel_id, people, given)]


async def displace(
    transaction: Transaction, channel_id: str, user_ids: list[str]
) -> list[Displaced]:
    """Note that the directory does not want these people any more, and forget that they
    opted out; the caller takes those out who do not stay.
    """
    return [Displaced(*row) for row in await transaction.fetch(DISPLACE, channel_id, user_ids)]


async def recast(
    transaction: Transaction, channel_id: str, changes: list[Cast]
) -> list[tuple[str, str]]:
    """Note the roles the directory gives now, and give them to those who have the one it gave
    before; answers those people with their roles.
    """
    return [tuple(row) for row in await transaction.fetch(RECAST, channel_id, *_columns(changes))]


async def cast(
    transaction: Transaction, channel_id: str, changes: list[Cast]
) -> list[tuple[str, str]]:
    """Give members another role if theirs is still the one before."""
    if not changes:
        return []
    return [tuple(row) for row in await transaction.fetch(CAST, channel_id, *_columns(changes))]


async def added(
    transaction: Transaction, channel_id: str, user_ids: list[str], *, by_hand: bool
) -> None:
    """Forget that these people left. With ``by_hand`` somebody else added them: they stay
    whatever the directory says later.
    """
    await transaction.execute(ADDED, channel_id, user_ids, by_hand)


async def left(transaction: Transaction, channel_id: str, user_id: str) -> None:
    """Note that this person is out on purpose: for as long as the directory wants them they
    are not dragged back.
    """
    await transaction.execute(LEFT, channel_id, user_id)


def _columns(changes: list[Cast]) -> tuple[list[str], list[str], list[str]]:
    return (
        [change.user_id for change in changes],
        [change.was for change in changes],
        [change.role for change in changes],
    )
