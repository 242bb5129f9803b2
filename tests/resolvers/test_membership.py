"""Coming and going: join, leave, add, remove, and roles."""

import asyncio
from functools import partial

import pytest
from bson import ObjectId

from tests.operations import (
    UNKNOWN_PERSON,
    channel,
    denied,
    do,
    kinds_of_events,
    nothing_happens,
    patiently,
    roles,
)
from tests.world import Person, RefusedError, World

SEEN = "{ memberCount membership { role invitedBy { id } } }"


async def public(owner: Person, *members: Person) -> str:
    return await owner.create_channel(*members, isPrivate=False)


async def outcomes(*calls: object) -> list[str]:
    """The code of each call's refusal, or OK; whatever else goes wrong fails the test."""
    results = await asyncio.gather(*calls, return_exceptions=True)  # type: ignore[call-overload]
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, RefusedError):
            raise result
    return sorted(result.code if isinstance(result, RefusedError) else "OK" for result in results)


async def test_who_joins_is_a_member_and_everybody_hears_of_it_once(world: World) -> None:
    id = await public(world.carol)
    answer = await do(world.dave, "joinChannel", "{ channel " + SEEN + " }", channelId=id)
    seen = {"memberCount": 2, "membership": {"role": "MEMBER", "invitedBy": None}}
    assert answer["channel"] == seen
    assert (await kinds_of_events(world, id))[1:] == ["MemberJoined", "MessageSent"]
    async with nothing_happens(world, id, world.dave):
        again = await do(world.dave, "joinChannel", "{ channel " + SEEN + " }", channelId=id)
        assert again["channel"] == seen
        await do(world.carol, "joinChannel", channelId=id)
    assert (await roles(world.dave, id))[world.carol.id] == "OWNER"


async def test_who_leaves_sees_the_channel_once_more_but_nothing_in_it(world: World) -> None:
    id = await world.carol.create_channel(world.dave, name="A secret room")
    await world.carol.say(id, "A secret")
    left = await do(
        world.dave,
        "leaveChannel",
        "{ channel { id name memberCount unreadCount membership { role } } }",
        channelId=id,
    )
    assert left["channel"] == {
        "id": id,
        "name": "A secret room",
        "memberCount": 1,
        "unreadCount": 0,
        "membership": None,
    }
    assert (await kinds_of_events(world, id))[-2:] == ["MemberLeft", "MessageSent"]
    assert await channel(world.dave, id, "{ id }") is None
    refusal = await denied(world.dave, "leaveChannel", channelId=id)
    assert (refusal.code, refusal.field) == ("NOT_FOUND", "channelId")


@pytest.mark.parametrize(
    "inside",
    [
        "messages { edges { node { content } } }",
        "messages(last: 1) { pageInfo { startCursor } }",
        "lastMessage { content }",
        "members { edges { node { user { name } } } }",
    ],
)
async def test_the_answer_to_leaving_shows_nothing_of_the_inside(world: World, inside: str) -> None:
    id = await world.carol.create_channel(world.dave)
    await world.carol.say(id, "A secret")
    result = await world.dave.post(
        f'mutation {{ leaveChannel(channelId: "{id}") {{ channel {{ {inside} }} }} }}'
    )
    assert result["errors"][0]["extensions"]["code"] == "NOT_FOUND"
    assert "secret" not in str(result)
    assert await roles(world.carol, id) == {world.carol.id: "OWNER"}


async def test_who_comes_back_has_no_unread_messages_and_no_old_role(world: World) -> None:
    id = await public(world.carol, world.dave)
    role = {"channelId": id, "userId": world.dave.id, "role": "ADMIN"}
    await do(world.carol, "updateMemberRole", **role)
    await do(world.dave, "leaveChannel", channelId=id)
    await world.carol.say(id, "Meanwhile")
    await do(world.dave, "joinChannel", channelId=id)
    found = await channel(world.dave, id, "{ unreadCount membership { role lastReadAt } }")
    assert found == {"unreadCount": 0, "membership": {"role": "MEMBER", "lastReadAt": None}}


async def test_the_last_owner_goes_only_after_making_another_one(world: World) -> None:
    id = await public(world.erin, world.dave)
    async with nothing_happens(world, id, world.dave):
        for name, arguments in (
            ("leaveChannel", {}),
            ("removeMember", {"userId": world.erin.id}),
            ("updateMemberRole", {"userId": world.erin.id, "role": "ADMIN"}),
            ("updateMemberRole", {"userId": world.erin.id.upper(), "role": "MEMBER"}),
        ):
            refusal = await denied(world.erin, name, channelId=id, **arguments)
            assert (refusal.code, refusal.field) == ("CONFLICT", "userId")
        for name, arguments in (
            ("removeMember", {"userId": world.erin.id}),
            ("updateMemberRole", {"userId": world.erin.id, "role": "MEMBER"}),
        ):
            assert (await denied(world.alice, name, channelId=id, **arguments)).code == "CONFLICT"
    await do(world.erin, "updateMemberRole", channelId=id, userId=world.dave.id, role="OWNER")
    await do(world.erin, "leaveChannel", channelId=id)
    assert await roles(world.dave, id) == {world.dave.id: "OWNER"}


async def test_the_last_one_in_a_channel_may_go(world: World) -> None:
    id = await public(world.erin)
    await do(world.erin, "leaveChannel", channelId=id)
    assert (await channel(world.dave, id, "{ memberCount }")) == {"memberCount": 0}
    await do(world.dave, "joinChannel", channelId=id)
    assert await roles(world.erin, id) == {world.dave.id: "MEMBER"}


async def test_an_admin_neither_removes_nor_demotes_an_owner(world: World) -> None:
    id = await public(world.erin, world.dave, world.ivan)
    for person, role in ((world.ivan, "OWNER"), (world.dave, "ADMIN")):
        await do(world.erin, "updateMemberRole", channelId=id, userId=person.id, role=role)
    async with nothing_happens(world, id, world.dave):
        for owner in (world.erin, world.ivan):
            target = {"channelId": id, "userId": owner.id}
            assert (await denied(world.dave, "removeMember", **target)).code == "FORBIDDEN"
            for role in ("ADMIN", "MEMBER"):
                refusal = await denied(world.dave, "updateMemberRole", **target, role=role)
                assert refusal.code == "FORBIDDEN"
    await do(world.erin, "updateMemberRole", channelId=id, userId=world.ivan.id, role="MEMBER")
    await do(world.dave, "removeMember", channelId=id, userId=world.ivan.id)
    assert await roles(world.dave, id) == {world.erin.id: "OWNER", world.dave.id: "ADMIN"}


async def test_a_client_and_one_who_is_gone_run_nothing(world: World) -> None:
    gone = await world.new_person("Nearly Gone")
    id = await world.erin.create_channel(world.dave, world.frank, gone)
    await world.mongo.users.update_one({"_id": ObjectId(gone.id)}, {"$set": {"status": "left"}})
    await world.services.profiles.refresh([gone.id])
    async with nothing_happens(world, id, world.dave):
        for person in (world.frank, gone):
            for role in ("OWNER", "ADMIN"):
                target = {"channelId": id, "userId": person.id, "role": role}
                refusal = await denied(world.erin, "updateMemberRole", **target)
                assert (refusal.code, refusal.field) == ("BAD_USER_INPUT", "userId")
        target = {"channelId": id, "userId": world.frank.id, "role": "ADMIN"}
        assert (await denied(world.dave, "updateMemberRole", **target)).code == "FORBIDDEN"


async def test_an_owner_who_is_gone_succeeds_nobody(world: World) -> None:
    gone = await world.new_person("Gone Owner")
    id = await public(world.erin, world.dave, gone)
    await do(world.erin, "updateMemberRole", channelId=id, userId=gone.id, role="OWNER")
    await world.mongo.users.update_one({"_id": ObjectId(gone.id)}, {"$set": {"status": "left"}})
    await world.services.profiles.refresh([gone.id])
    async with nothing_happens(world, id, world.dave):
        for name, arguments in (
            ("leaveChannel", {}),
            ("removeMember", {"userId": world.erin.id}),
            ("updateMemberRole", {"userId": world.erin.id, "role": "ADMIN"}),
        ):
            refusal = await denied(world.erin, name, channelId=id, **arguments)
            assert (refusal.code, refusal.field) == ("CONFLICT", "userId")
    await do(world.erin, "removeMember", channelId=id, userId=gone.id)
    await do(world.erin, "updateMemberRole", channelId=id, userId=world.dave.id, role="OWNER")
    await do(world.erin, "leaveChannel", channelId=id)
    assert await roles(world.dave, id) == {world.dave.id: "OWNER"}


async def test_two_last_owners_cannot_both_go_at_once(world: World) -> None:
    for _ in range(5):
        id = await public(world.erin, world.dave, world.ivan)
        await do(world.erin, "updateMemberRole", channelId=id, userId=world.dave.id, role="OWNER")
        went = await outcomes(
            do(world.erin, "leaveChannel", channelId=id),
            do(world.dave, "leaveChannel", channelId=id),
        )
        assert went == ["CONFLICT", "OK"]
        assert sorted((await roles(world.ivan, id)).values()) == ["MEMBER", "OWNER"]


async def test_adding_people_who_are_in_leaves_them_as_they_are(world: World) -> None:
    id = await public(world.carol, world.dave)
    await do(world.carol, "updateMemberRole", channelId=id, userId=world.dave.id, role="ADMIN")
    ids = [world.erin.id, world.dave.id, world.erin.id.upper(), world.carol.id]
    answer = await do(
        world.dave, "addMembers", "{ channel { memberCount } }", channelId=id, userIds=ids
    )
    assert answer["channel"] == {"memberCount": 3}
    assert await roles(world.erin, id) == {
        world.carol.id: "OWNER",
        world.dave.id: "ADMIN",
        world.erin.id: "MEMBER",
    }
    added = await channel(world.erin, id, SEEN)
    assert added["membership"]["invitedBy"] == {"id": world.dave.id}
    async with nothing_happens(world, id, world.erin):
        await do(world.carol, "addMembers", channelId=id, userIds=ids)
        await do(world.carol, "addMembers", channelId=id, userIds=[])


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        (["erin", "frank"], "BAD_USER_INPUT"),
        (["erin", "zoe"], "NOT_FOUND"),
        (["erin", UNKNOWN_PERSON], "NOT_FOUND"),
        (["erin", ""], "NOT_FOUND"),
    ],
)
async def test_one_who_cannot_be_added_keeps_the_others_out_too(
    world: World, keys: list[str], code: str
) -> None:
    id = await public(world.carol, world.dave)
    ids = [world.ids.get(key, key) for key in keys]
    async with nothing_happens(world, id, world.dave):
        refusal = await denied(world.carol, "addMembers", channelId=id, userIds=ids)
    assert (refusal.code, refusal.field) == (code, "userIds")


async def test_who_is_removed_is_out_and_who_is_not_in_is_not_found(world: World) -> None:
    id = await public(world.carol, world.dave, world.erin)
    answer = await do(
        world.carol,
        "removeMember",
        "{ channel { memberCount } }",
        channelId=id,
        userId=world.dave.id.upper(),
    )
    assert answer["channel"] == {"memberCount": 2}
    assert world.dave.id not in await roles(world.erin, id)
    async with nothing_happens(world, id, world.erin):
        for user in (world.dave.id, world.ivan.id, UNKNOWN_PERSON, "nobody", ""):
            for name, more in (("removeMember", {}), ("updateMemberRole", {"role": "ADMIN"})):
                refusal = await denied(world.carol, name, channelId=id, userId=user, **more)
                assert (refusal.code, refusal.field) == ("NOT_FOUND", "userId")
                assert refusal.message == "There is no such member."


async def test_a_role_is_told_when_it_is_another_one(world: World) -> None:
    id = await public(world.carol, world.dave, world.erin)
    dave = {"channelId": id, "userId": world.dave.id}
    await do(world.carol, "updateMemberRole", **dave, role="ADMIN")
    await do(world.dave, "updateMemberRole", channelId=id, userId=world.erin.id, role="ADMIN")
    rows = await world.database.fetch(
        "select user_id, detail, actor_id from events where channel_id = $1"
        " and kind = 'MemberRoleChanged' order by position",
        id,
    )
    assert [tuple(row) for row in rows] == [
        (world.dave.id, "ADMIN", world.carol.id),
        (world.erin.id, "ADMIN", world.dave.id),
    ]
    async with nothing_happens(world, id, world.erin):
        await do(world.carol, "updateMemberRole", **dave, role="ADMIN")


async def test_the_member_count_is_exact_whoever_comes_and_goes_at_once(world: World) -> None:
    id = await public(world.carol)
    people = [world.dave, world.erin, world.ivan, world.bob]
    ids = [person.id for person in people]
    add = partial(do, world.carol, "addMembers", channelId=id, userIds=ids)
    remove = partial(do, world.carol, "removeMember", channelId=id, userId=ids[0])
    for _ in range(3):
        went = await outcomes(
            *map(patiently, [partial(do, p, "joinChannel", channelId=id) for p in people]),
            *(patiently(add) for _ in range(3)),
            *(patiently(remove) for _ in range(3)),
            *map(patiently, [partial(do, p, "leaveChannel", channelId=id) for p in people]),
        )
        assert set(went) <= {"OK", "NOT_FOUND", "FORBIDDEN"}
        found = await roles(world.carol, id)
        assert (await channel(world.carol, id, "{ memberCount }"))["memberCount"] == len(found)
        log = await kinds_of_events(world, id)
        assert log.count("MemberJoined") - log.count("MemberLeft") == len(found)
