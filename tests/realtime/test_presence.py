"""Presence: who is there, by any of their devices, and who is told of it."""

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from realtime import watches
from storage.events import Present
from tests.operations import denied, do
from tests.realtime.presence import (
    SHOWN,
    WATCH,
    becomes,
    online,
    presence,
    set_presence,
    status,
    told,
    watching,
)
from tests.world import Person, World


async def test_who_never_was_there_is_offline(world: World) -> None:
    nina = await world.new_person("Nina")
    assert await presence(world.carol, nina) == {
        "status": "OFFLINE",
        "statusText": None,
        "statusEmoji": None,
        "lastSeenAt": None,
    }


async def test_a_connected_device_is_online_until_it_says_goodbye(world: World) -> None:
    nina = await world.new_person("Nina")
    async with watching(world.carol, nina) as operation:
        async with nina.socket():
            assert (await told(operation, nina))["status"] == "ONLINE"
            assert await status(world.carol, nina) == "ONLINE"
            assert (await presence(world.carol, nina))["lastSeenAt"] is None
        gone = await told(operation, nina)
        assert gone["status"] == "OFFLINE"
        seen = datetime.fromisoformat(gone["lastSeenAt"])
        assert abs(datetime.now(UTC) - seen) < timedelta(seconds=30)
        assert operation.is_silent


@pytest.mark.parametrize("choice", ["AWAY", "BUSY", "OFFLINE"])
async def test_a_choice_lasts_until_it_is_taken_back(world: World, choice: str) -> None:
    nina = await world.new_person("Nina")
    async with watching(world.carol, nina) as operation, nina.socket():
        assert (await told(operation, nina))["status"] == "ONLINE"
        assert await set_presence(nina, choice) == choice
        shown = await told(operation, nina)
        assert shown["status"] == choice
        assert (shown["lastSeenAt"] is not None) == (choice == "OFFLINE")
        # Said twice, told once.
        await set_presence(nina, choice)
        await nina.run("{ __typename }")
        async with nina.socket():
            assert await status(world.carol, nina) == choice
        assert await set_presence(nina, "ONLINE") == "ONLINE"
        assert (await told(operation, nina))["status"] == "ONLINE"
        assert operation.is_silent


async def test_the_most_present_device_wins(world: World) -> None:
    nina = await world.new_person("Nina")
    away = f"mutation {{ setPresence(status: AWAY) {SHOWN} }}"
    async with online(nina) as desk, watching(world.carol, nina) as operation:
        async with nina.socket() as pocket:
            said = await pocket.run(away)
            assert said["setPresence"]["status"] == "ONLINE"
            said = await desk.run(away)
            assert said["setPresence"]["status"] == "AWAY"
            assert (await told(operation, nina))["status"] == "AWAY"
            await pocket.run(f"mutation {{ setPresence(status: ONLINE) {SHOWN} }}")
            assert (await told(operation, nina))["status"] == "ONLINE"
        assert (await told(operation, nina))["status"] == "AWAY"
        assert operation.is_silent


async def test_of_two_devices_one_may_go(world: World) -> None:
    nina = await world.new_person("Nina")
    async with online(nina), watching(world.carol, nina) as operation:
        async with nina.socket() as socket:
            await socket.settled()
        await set_presence(nina, "BUSY")
        assert (await told(operation, nina))["status"] == "BUSY"
        assert operation.is_silent


async def test_devices_on_two_servers_are_taken_together(world: World) -> None:
    nina = await world.new_person("Nina")
    async with world.another_server() as there, watching(world.carol, nina) as operation:
        async with Person(there, nina.key, nina.id).socket():
            assert (await told(operation, nina))["status"] == "ONLINE"
            async with nina.socket() as socket:
                await socket.settled()
            assert await status(there.carol, nina) == "ONLINE"
        assert (await told(operation, nina))["status"] == "OFFLINE"


async def test_a_status_ends_at_its_time_and_is_told_to_end(world: World) -> None:
    nina = await world.new_person("Nina")
    async with online(nina), watching(world.carol, nina) as operation:
        ends = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
        said = await do(nina, "setStatus", SHOWN, text="At lunch", emoji="🥪", expiresAt=ends)
        assert (said["statusText"], said["statusEmoji"]) == ("At lunch", "🥪")
        assert await told(operation, nina) == said
        shown = await told(operation, nina)
        assert (shown["statusText"], shown["statusEmoji"]) == (None, None)
        await do(nina, "setStatus", SHOWN, text="Back")
        assert (await told(operation, nina))["statusText"] == "Back"
        await do(nina, "setStatus", SHOWN)
        assert (await told(operation, nina))["statusText"] is None


async def test_a_status_may_not_have_ended_already_and_has_its_length(world: World) -> None:
    past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    refusal = await denied(world.dave, "setStatus", SHOWN, text="Late", expiresAt=past)
    assert (refusal.code, refusal.field) == ("BAD_USER_INPUT", "expiresAt")
    refusal = await denied(world.dave, "setStatus", SHOWN, text="x" * 101)
    assert (refusal.code, refusal.field) == ("BAD_USER_INPUT", "text")
    refusal = await denied(world.dave, "setStatus", SHOWN, emoji="not one")
    assert (refusal.code, refusal.field) == ("BAD_USER_INPUT", "emoji")
    assert (await presence(world.carol, world.dave))["statusText"] is None


async def test_a_client_is_told_only_of_those_in_a_channel_with_them(world: World) -> None:
    nina = await world.new_person("Nina")
    met = await world.new_person("Mia")
    client = await world.new_person("Clara", isClient=True)
    channel = await world.carol.create_channel(client, met)
    async with watching(client, nina, met) as operation:
        async with nina.socket() as socket:
            await socket.settled()
        async with met.socket():
            assert (await told(operation, met))["status"] == "ONLINE"
            await do(world.carol, "removeMember", channelId=channel, userId=met.id)
        await becomes(partial(status, world.carol, met), "OFFLINE")
        async with watching(world.carol, met) as other:
            async with met.socket():
                await told(other, met)
        assert operation.is_silent


async def test_a_client_sees_no_presence_of_a_former_companion(world: World) -> None:
    """They still see the name, on what was said; not whether the person is there."""
    nina = await world.new_person("Nina")
    client = await world.new_person("Clara", isClient=True)
    channel = await world.carol.create_channel(client, nina)
    await nina.say(channel)
    query = f"""
        query ($id: ID!) {{
          channel(id: $id) {{ lastMessage {{ sender {{ name presence {SHOWN} }} }} }}
        }}
    """
    events = f"""
        subscription ($id: ID!) {{
          channelEvents(channelId: $id) {{
            ... on MemberLeft {{ user {{ name presence {SHOWN} }} }}
          }}
        }}
    """
    async with nina.socket(), client.socket() as socket:
        shown = await client.run(query, id=channel)
        assert shown["channel"]["lastMessage"]["sender"]["presence"]["status"] == "ONLINE"
        operation = await socket.subscribe(events, id=channel)
        await world.followed(channel)
        await do(world.carol, "removeMember", channelId=channel, userId=nina.id)
        left = (await operation.next())["channelEvents"]["user"]
        assert (left["name"], left["presence"]["status"]) == ("Nina", "OFFLINE")
        shown = await client.run(query, id=channel)
        message = shown["channel"]["lastMessage"]
        if message["sender"]["name"] == "Nina":
            assert message["sender"]["presence"]["status"] == "OFFLINE"
        assert await status(world.carol, nina) == "ONLINE"


async def test_nobody_hears_of_strangers_or_too_many(world: World) -> None:
    async with world.carol.socket() as socket:
        operation = await socket.subscribe(WATCH, ids=[world.dave.id] * 1_001)
        message = await operation.message()
        assert message["payload"][0]["extensions"]["code"] == "BAD_USER_INPUT"
        nobody = await socket.subscribe(WATCH, ids=["nobody", "0123456789abcdef01234567"])
        await socket.settled()
        assert nobody.is_silent


async def test_without_the_bell_changes_are_told_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world.services.live.watches, "hear", lambda hint: None)
    nina = await world.new_person("Nina")
    async with watching(world.carol, nina) as operation:
        async with nina.socket():
            assert (await told(operation, nina))["status"] == "ONLINE"


async def test_who_comes_between_a_change_and_its_end_is_told_the_end(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    nina = await world.new_person("Nina")
    live = world.services.live
    async with online(nina), watching(world.carol, nina) as early:
        # Nobody looks but because somebody comes.
        monkeypatch.setattr(live.watches, "hear", lambda hint: None)
        monkeypatch.setattr(watches, "POLL_SECONDS", 600.0)
        monkeypatch.setattr(live.watches, "_poll_at", live.watches._poll_at + 600.0)
        await set_presence(nina, "BUSY")
        async with watching(world.dave, nina) as late:
            assert (await told(early, nina))["status"] == "BUSY"
            monkeypatch.undo()
            await set_presence(nina, "ONLINE")
            for operation in (early, late):
                while (await told(operation, nina))["status"] != "ONLINE":
                    pass


async def test_what_the_bell_says_too_much_is_told_to_nobody(world: World) -> None:
    nina = await world.new_person("Nina")
    async with online(nina), watching(world.carol, nina) as operation:
        for _ in range(5):
            world.services.live.bell.ring(Present(nina.id))
        await set_presence(nina, "BUSY")
        assert (await told(operation, nina))["status"] == "BUSY"
        assert operation.is_silent
