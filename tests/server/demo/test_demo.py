import shutil
import signal
import socket
import stat
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import httpx
import pytest

from server.demo import cast, picture
from tests.server.demo.company import READY, Running, gone, refused, refused_alone, start

pytestmark = pytest.mark.timeout(120)

SIDEBAR = """
{ viewer { user { name } channels(first: 50) { edges { node {
    name type unreadCount mentionCount memberCount lastMessage { content } } } } } }
"""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = start(tmp_path_factory.mktemp("demo") / ".demo")
    yield running
    children = running.children()
    assert running.end(signal.SIGTERM) == 0
    assert gone(children)


@pytest.fixture
async def database(demo: Running) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(demo.told["databaseUrl"])
    yield connection
    await connection.close()


def test_it_tells_people_and_programs_the_same(demo: Running) -> None:
    told = demo.told
    assert demo.box.startswith(READY)
    for address in ("graphqlUrl", "websocketUrl", "graphiqlUrl"):
        assert told[address] in demo.box
    assert [user["key"] for user in told["users"]] == list(cast.PEOPLE)
    assert all(user["token"] in demo.box for user in told["users"])
    assert {user["key"] for user in told["users"] if user["isClient"]} == {"frank", "grace"}
    assert [channel["key"] for channel in told["channels"]] == list(cast.CHANNELS)
    for file in ("demo.json", "jwt-secret"):
        assert stat.S_IMODE((demo.folder / file).stat().st_mode) == 0o600


def test_everybody_can_sign_in_and_sees_their_own_channels(demo: Running) -> None:
    for key, person in cast.PEOPLE.items():
        viewer = demo.run(key, SIDEBAR)["viewer"]
        assert viewer["user"]["name"] == person.name
        nodes = [edge["node"] for edge in viewer["channels"]["edges"]]
        expected = [channel for channel in cast.CHANNELS.values() if key in channel.members]
        assert {(node["type"], node["name"]) for node in nodes} == {
            (str(channel.type), channel.name) for channel in expected
        }
        assert all(node["lastMessage"]["content"] for node in nodes)


def test_what_is_unread_differs_from_person_to_person(demo: Running) -> None:
    query = "{ viewer { unread { messages mentions } } }"
    unread = {key: demo.run(key, query)["viewer"]["unread"] for key in cast.PEOPLE}
    assert len({tuple(counts.values()) for counts in unread.values()}) >= 5
    assert unread["carol"]["mentions"] == 2
    assert unread["grace"] == {"messages": 1, "mentions": 0}


def test_the_picture_can_be_had(demo: Running) -> None:
    data = demo.run(
        "carol",
        """query ($id: ID!) { channel(id: $id) { messages(last: 50) { edges { node {
            attachments { fileName mimeType fileSize width height url } } } } } }""",
        id=cast.CHANNELS["apollo"].id,
    )
    edges = data["channel"]["messages"]["edges"]
    (file,) = [file for edge in edges for file in edge["node"]["attachments"]]
    assert (file["fileName"], file["width"], file["height"]) == (picture.NAME, 960, 540)
    content = httpx.get(file["url"]).content
    assert content == picture.draw()
    assert len(content) == file["fileSize"]


def test_graphiql_is_signed_in(demo: Running) -> None:
    url = demo.told["graphiqlUrl"]
    assert httpx.get(url).status_code == 200
    config = httpx.get(f"{url}/config.json?as=dave").json()
    assert config["person"] == {"key": "dave", "name": "Dave Okafor"}
    assert len(config["tabs"]) == 8


async def test_the_log_has_every_position_once(database: asyncpg.Connection) -> None:
    rows = await database.fetch(
        """select c.position, count(*) as count, min(e.position) as first, max(e.position) as last,
                  bool_and(e.occurred_at <= now()) as past,
                  count(*) filter (where e.kind = 'MemberJoined') as joined, c.member_count,
                  (select count(*) from members m where m.channel_id = c.id) as members
             from channels c join events e on e.channel_id = c.id group by c.id"""
    )
    assert len(rows) == len(cast.CHANNELS)
    for row in rows:
        assert (row["first"], row["last"], row["count"]) == (1, row["position"], row["position"])
        assert row["past"]
        assert row["joined"] == row["member_count"] == row["members"]


async def test_the_log_goes_forward_in_time(database: asyncpg.Connection) -> None:
    backwards = await database.fetchval(
        """select count(*) from (
               select occurred_at < lag(occurred_at) over (partition by channel_id
                                                           order by position) as back
                 from events) as steps
            where back"""
    )
    assert backwards == 0


async def test_what_is_counted_is_there(database: asyncpg.Connection) -> None:
    wrong = await database.fetch(
        """select c.id
             from channels c
            where c.ordinal <> (select count(*) from messages m
                                 where m.channel_id = c.id and m.parent_id is null)
               or (c.last_message_id, c.last_message_at) is distinct from (
                   select (m.id, m.created_at) from messages m
                    where m.channel_id = c.id and m.parent_id is null
                    order by m.position desc limit 1)"""
    )
    assert wrong == []
    wrong = await database.fetch(
        """select root.id from messages root
            where root.reply_count <> (select count(*) from messages reply
                                        where reply.parent_id = root.id
                                          and reply.deleted_at is null)"""
    )
    assert wrong == []
    kinds = {row[0] for row in await database.fetch("select distinct kind from events")}
    assert kinds >= {
        *("MemberJoined", "MessageSent", "MessageEdited", "MessageDeleted", "ReactionAdded")
    }


def test_a_second_one_in_the_same_place_is_refused(demo: Running) -> None:
    assert "is in use by process" in refused(demo.folder)
    assert "is in use by process" in refused(demo.folder, "--reset")


def test_what_was_killed_is_started_again(demo: Running) -> None:
    secret = demo.told["jwtSecret"]
    sent = demo.run(
        "dave",
        "mutation ($input: SendMessageInput!) { sendMessage(input: $input) { message { id } } }",
        input={"channelId": cast.CHANNELS["random"].id, "content": "Still there?"},
    )["sendMessage"]["message"]["id"]
    children = demo.children()
    demo.process.kill()
    demo.process.wait()
    assert demo.process.stdout is not None
    demo.process.stdout.close()
    assert gone(children)

    again = start(demo.folder)
    demo.process, demo.box = again.process, again.box
    assert demo.told["jwtSecret"] == secret
    message = demo.run("bob", "query ($id: ID!) { message(id: $id) { content } }", id=sent)
    assert message["message"]["content"] == "Still there?"


def test_a_busy_port_is_one_line_and_touches_nothing(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        said = refused(tmp_path / "new", port=busy.getsockname()[1])
    assert said.endswith("cannot be listened on: Address already in use")
    assert not (tmp_path / "new").exists()


def test_an_unusable_place_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "cannot be used" in refused(tmp_path / "file")
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "thesis.txt").touch()
    assert "choose another one" in refused(tmp_path / "theirs", "--reset")


@pytest.mark.parametrize("damage", ["postgres/data/PG_VERSION", "jwt-secret", "mongo", "s3"])
def test_damage_is_one_line_that_says_what_helps(
    demo: Running, tmp_path: Path, damage: str
) -> None:
    folder = tmp_path / "copy"
    subprocess.run(["cp", "-a", demo.folder, folder], check=True)
    (folder / "backchannel.lock").write_text("")
    (folder / "postgres" / "data" / "postmaster.pid").unlink()
    path = folder / damage
    for file in path.iterdir() if path.is_dir() else [path]:
        file.write_text("rubbish")
    # With the secret it comes as far as to log, which is a matter of the whole process.
    said = refused_alone(folder) if damage == "jwt-secret" else refused(folder)
    assert said.endswith("(--reset begins anew)")
    shutil.rmtree(folder)


async def test_the_server_finds_nothing_to_keep_in_step(database: asyncpg.Connection) -> None:
    """What the seed says of channels and people is what the directory's rules say."""
    rows = await database.fetch(
        """select d.key, array_agg(p.user_id || p.role || p.by_hand order by p.user_id) as wanted
             from directory_channels d join placements p using (channel_id) group by d.key"""
    )
    assert {row["key"] for row in rows} == {
        channel.directory_key for channel in cast.CHANNELS.values() if channel.directory_key
    }
    assert await database.fetchval("select count(*) from channels") == len(cast.CHANNELS)
    assert not any("true" in wanted for row in rows for wanted in row["wanted"])
