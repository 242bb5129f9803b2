"""PostgreSQL shows just those channels that ``policy.sees`` says somebody sees."""

from dataclasses import replace

import pytest
from bson import ObjectId

from resolvers import policy
from resolvers.services import Rules
from storage import channels, members
from storage.records import MemberRole
from tests.places import MEMBER, place
from tests.resolvers.policy_table import CHANNELS, PEOPLE
from tests.resolvers.test_policy_table import viewer
from tests.world import Person, World

KINDS = CHANNELS | {
    # Nobody makes them so; should there ever be one, both say the same of it.
    f"{name}, private all the same": (type, {**columns, "is_private": True})
    for name, (type, columns) in CHANNELS.items()
}


@pytest.fixture(scope="module")
async def placed(world: World) -> dict[str, str]:
    """The id of a channel of each kind, with carol in it."""
    found: dict[str, str] = {}
    for name, (type, columns) in KINDS.items():
        found[name] = await place(world, type, (world.carol, MEMBER), **columns)
    return found


@pytest.mark.parametrize("reads_everything", [False, True], ids=["by default", "auditing"])
@pytest.mark.parametrize("letter", PEOPLE)
async def test_the_database_shows_what_the_policy_says(
    world: World, placed: dict[str, str], letter: str, reads_everything: bool
) -> None:
    who = viewer(letter, Rules(super_admin_reads_everything=reads_everything))
    ids = list(placed.values())
    for is_inside in (False, True):
        person = Person(world, letter, str(ObjectId()))
        somebody = replace(who, user=who.user._replace(id=person.id))
        if is_inside:
            async with world.database.transaction() as transaction:
                for id in ids:
                    await members.add(transaction, id, [person.id], role=MemberRole.MEMBER)
        # As the owner, before whom nothing is hidden: what there is to decide about.
        there = await channels.memberships(world.database, ids, person.id)
        seen = {id for id in ids if policy.sees(somebody, there[id])}
        shown = await world.services.database.seen_by(somebody.sight).fetch(
            "select id::text from channels where id = any($1::uuid[])", ids
        )
        assert {row[0] for row in shown} == seen
        assert seen == set(ids) or not is_inside
