"""Search: what is found, what never is, and in which order it comes."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from storage import search as statements
from tests.operations import UNKNOWN_ID, UNKNOWN_PERSON, do
from tests.resolvers.searching import found, page, refused
from tests.world import Person, World


@pytest.fixture(params=["walk", "index"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With nothing to walk through, everything comes from the index."""
    if request.param == "index":
        monkeypatch.setattr(statements, "WALKED", 1)
        monkeypatch.setattr(statements, "WALKED_TO_RANK", 1)
    return str(request.param)


@pytest.fixture(scope="module")
async def talk(world: World) -> str:
    channel = await world.carol.create_channel(world.dave)
    for text in (
        "The quick brown fox",
        "A slow brown dog, and a fox",
        "Café Zürich: Straße, ŁÓDŹ and naïve ΣΊΣΥΦΟΣ",
        "see https://example.com/annual_report-2026.pdf",
        "東京タワーへ行く",
        "สวัสดีครับทุกคน",
        "Ёлка и ёж",
    ):
        await world.dave.say(channel, text)
    return channel


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("brown", 2),
        ("BROWN fox", 2),
        ("bro", 2),
        ("bro fox", 0),
        ("fox bro", 2),
        ('"bro"', 0),
        ('"brown fox"', 1),
        ('"brown dog" fox', 1),
        ('"fox brown"', 0),
        ("“brown fox”", 1),
        ('"brown f', 1),
        ("brown -dog", 1),
        ('brown -"quick brown"', 1),
        ("quick or dog", 2),
        ("quick OR slow brown", 2),
        ("quick or", 1),
        ("or quick", 1),
        ("cafe", 1),
        ("zurich strasse", 1),
        ("CAFÉ lodz naive", 1),
        ("σισυφος", 1),
        ("елка", 1),
        ("ЁЖ", 1),
        ("report", 1),
        ("annual-report", 1),
        ("annual-rep", 1),
        ("report-annual", 0),
        ("example.com", 1),
        ("2026", 1),
        ("東京", 1),
        ("京東", 0),
        ("タワー", 1),
        ("ทุกคน", 1),
        ("-brown", 0),
        ("dog or -brown", 1),
        ("", 0),
        ("   ", 0),
        ("-", 0),
        ("or", 0),
        ('"', 0),
        ('""', 0),
        ("!?%_'", 0),
        ("😀 👍🏽", 0),
        ("@" + "0" * 24, 0),
        ("§", 0),
    ],
)
async def test_a_query_finds_what_it_says(
    world: World, talk: str, way: str, query: str, count: int
) -> None:
    assert len(await found(world.carol, talk, query)) == count


async def test_matches_come_newest_first_and_pages_neither_repeat_nor_skip(
    world: World, way: str
) -> None:
    channel = await world.carol.create_channel(world.dave)
    for number in range(7):
        await world.dave.say(channel, f"apple {number}")
    seen: list[str] = []
    after = None
    while True:
        got = await page(world.carol, "apple", filter={"channelId": channel}, first=2, after=after)
        seen += [edge["node"]["content"] for edge in got["edges"]]
        await world.dave.say(channel, "apple, later")
        if not got["pageInfo"]["hasNextPage"]:
            break
        after = got["pageInfo"]["endCursor"]
    assert seen == [f"apple {number}" for number in reversed(range(7))]


async def test_the_best_matches_come_first_and_pages_neither_repeat_nor_skip(
    world: World, way: str
) -> None:
    channel = await world.carol.create_channel(world.dave)
    for number in range(5):
        await world.dave.say(channel, "pear" + " pear" * number)
    seen: list[str] = []
    after = None
    more: dict[str, Any] = {"filter": {"channelId": channel}, "first": 2, "orderBy": "RELEVANCE"}
    while True:
        got = await page(world.carol, "pear", after=after, **more)
        seen += [edge["node"]["content"] for edge in got["edges"]]
        await world.dave.say(channel, "pear " * 9)
        if not got["pageInfo"]["hasNextPage"]:
            break
        after = got["pageInfo"]["endCursor"]
    assert seen == ["pear" + " pear" * number for number in reversed(range(5))]


async def test_equal_times_are_no_obstacle_to_paging(world: World, way: str) -> None:
    channel = await world.carol.create_channel(world.dave)
    ids = {await world.dave.say(channel, "plum") for _ in range(5)}
    await world.database.execute(
        "update messages set created_at = '2026-01-01' where channel_id = $1", channel
    )
    seen: list[str] = []
    after = None
    more = [True]
    while more[-1]:
        got = await page(world.carol, "plum", filter={"channelId": channel}, first=1, after=after)
        seen += [edge["node"]["id"] for edge in got["edges"]]
        after = got["pageInfo"]["endCursor"]
        more.append(got["pageInfo"]["hasNextPage"])
    assert len(more) == 1 + 5
    assert len(seen) == 5
    assert set(seen) == ids


async def test_only_what_the_viewer_may_read_is_found(world: World, way: str) -> None:
    word = f"secret{await world.database.fetchval('select txid_current()')}"
    private = await world.carol.create_channel(world.dave)
    public = await world.carol.create_channel(isPrivate=False)
    shared = await world.bob.create_channel(world.carol, world.frank)
    for channel, text in ((private, "private"), (public, "public"), (shared, "shared")):
        await world.carol.say(channel, f"{word} {text}")

    async def texts(person: Person) -> set[str]:
        return {text.removeprefix(f"{word} ") for text in await found(person, None, word)}

    assert await texts(world.carol) == {"private", "public", "shared"}
    assert await texts(world.dave) == {"private", "public"}
    assert await texts(world.erin) == {"public"}
    assert await texts(world.alice) == {"public"}
    assert await texts(world.frank) == {"shared"}
    assert await texts(world.grace) == set()
    await do(world.carol, "removeMember", channelId=private, userId=world.dave.id)
    assert await texts(world.dave) == {"public"}
    await do(world.carol, "archiveChannel", channelId=private)
    assert "private" in await texts(world.carol)


async def test_a_channel_that_is_not_seen_is_refused_as_one_that_is_not_there(
    world: World, talk: str
) -> None:
    refusals = [
        await refused(world.erin, "x", filter={"channelId": id})
        for id in (talk, UNKNOWN_ID, "nonsense")
    ]
    assert {(each.code, each.field, each.message) for each in refusals} == {
        ("NOT_FOUND", "channelId", refusals[0].message)
    }


async def test_an_edited_message_is_found_by_what_it_says_now(world: World, way: str) -> None:
    channel = await world.carol.create_channel()
    message = await world.carol.say(channel, "before")
    await do(world.carol, "editMessage", messageId=message, content="afterwards")
    assert await found(world.carol, channel, "before") == []
    assert await found(world.carol, channel, "afterwards") == ["afterwards"]


async def test_deleted_messages_and_what_the_system_says_are_not_found(
    world: World, way: str
) -> None:
    channel = await world.carol.create_channel()
    message = await world.carol.say(channel, "gone")
    kept = await world.carol.say(channel, "gone again")
    await do(world.carol, "deleteMessage", messageId=message)
    assert await found(world.carol, channel, "gone") == ["gone again"]
    await world.database.execute("update messages set content_type = 'SYSTEM' where id = $1", kept)
    assert await found(world.carol, channel, "gone") == []


async def test_replies_are_found(world: World, way: str) -> None:
    channel = await world.carol.create_channel()
    root = await world.carol.say(channel, "root")
    await world.carol.say(channel, "answer", parentId=root)
    assert await found(world.carol, channel, "answer") == ["answer"]


async def test_each_filter_keeps_what_it_says_and_they_go_together(world: World, way: str) -> None:
    channel = await world.carol.create_channel(world.dave)
    await world.dave.say(channel, "fig plain")
    named = await world.dave.say(channel, "fig named", mentionedUserIds=[world.carol.id])
    filed = await world.carol.say(channel, "fig filed")
    await world.database.execute(
        "insert into attachments (id, channel_id, message_id, uploader_id, object_key, file_name,"
        " file_size, mime_type, completed_at)"
        " values (gen_random_uuid(), $1, $2, $3, gen_random_uuid(), 'a', 1, 'a/a', now())",
        channel,
        filed,
        world.carol.id,
    )
    at = await do(world.carol, "message", "{ createdAt }", id=named)

    async def kept(**filter: Any) -> list[str]:
        return [
            text.removeprefix("fig ") for text in await found(world.carol, channel, "fi", **filter)
        ]

    assert await kept() == ["filed", "named", "plain"]
    assert await kept(senderId=world.dave.id) == ["named", "plain"]
    assert await kept(senderId=UNKNOWN_PERSON) == []
    assert await kept(mentionsUserId=world.carol.id) == ["named"]
    assert await kept(mentionsUserId=UNKNOWN_PERSON) == []
    assert await kept(hasAttachment=True) == ["filed"]
    assert await kept(hasAttachment=False) == ["named", "plain"]
    assert await kept(sentAfter=at["createdAt"]) == ["filed", "named"]
    assert await kept(sentBefore=at["createdAt"]) == ["plain"]
    after = datetime.fromisoformat(at["createdAt"]) + timedelta(microseconds=1)
    assert await kept(sentAfter=at["createdAt"], sentBefore=after.isoformat()) == ["named"]
    assert await kept(senderId=world.dave.id, mentionsUserId=world.carol.id) == ["named"]
    assert await kept(senderId=world.dave.id, hasAttachment=True) == []
    for field in ("senderId", "mentionsUserId"):
        assert await kept(**{field: "nobody"}) == []


async def test_a_cursor_belongs_to_its_query_filter_order_and_person(
    world: World, talk: str
) -> None:
    mine: dict[str, Any] = {"query": "brown", "filter": {"channelId": talk}, "first": 1}
    cursor = (await page(world.carol, **mine))["pageInfo"]["endCursor"]
    assert len((await page(world.carol, **mine, after=cursor))["edges"]) == 1
    for change in (
        {"query": "fox"},
        {"filter": {"channelId": talk, "senderId": world.dave.id}},
        {"orderBy": "RELEVANCE"},
    ):
        refusal = await refused(world.carol, **{**mine, **change}, after=cursor)
        assert (refusal.code, refusal.field) == ("BAD_USER_INPUT", "after")
    refusal = await refused(world.dave, **mine, after=cursor)
    assert (refusal.code, refusal.field) == ("BAD_USER_INPUT", "after")
