"""Finding people in the directory, on either driver."""

from typing import Any

import pytest
from bson import ObjectId
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.directory import Directory, DirectoryNames, PeopleFilter

EVERYBODY = PeopleFilter()


async def insert(erp: Any, name: str, **document: Any) -> str:
    """The id of a new active person."""
    id = ObjectId()
    await erp.users.insert_one({"_id": id, "name": name, "status": "active", **document})
    return str(id)


@pytest.fixture
def directory(erp: Any) -> Directory:
    return Directory(erp, DirectoryNames())


async def names(directory: Directory, text: str | None, people: PeopleFilter) -> list[str]:
    return [user.name for user in await directory.search(text, people, 50)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ada", True),
        ("LOVE", True),
        ("king", True),
        ("ada lovelace", True),
        ("lovelace ada", True),
        ("  ada   love ", True),
        ("countess", True),
        ("example.com", True),
        ("ovelace", False),
        ("ada babbage", False),
        ("a.a", False),
        (".*", False),
        ("^ada", False),
        ("ada|bob", False),
        ("(", False),
        ("[", False),
        ("\\", False),
        ("$where", False),
    ],
)
async def test_each_word_begins_a_word_of_the_name_or_address_whatever_its_case(
    erp: Any, directory: Directory, text: str, found: bool
) -> None:
    await insert(erp, "Ada King-Lovelace", email="countess.of.l@example.com")
    await insert(erp, "Somebody Else", email="else@other.org")
    assert await names(directory, text, EVERYBODY) == (["Ada King-Lovelace"] if found else [])


async def test_disabled_people_are_not_found(erp: Any, directory: Directory) -> None:
    await insert(erp, "Ada Active")
    await insert(erp, "Ada Disabled", status="disabled")
    await insert(erp, "Ada Unknown", status=None)
    assert await names(directory, "ada", EVERYBODY) == ["Ada Active"]
    assert await names(directory, None, EVERYBODY) == ["Ada Active"]


async def test_people_come_in_the_order_of_their_names_and_no_more_than_asked_for(
    erp: Any, directory: Directory
) -> None:
    for name in ("Cleo", "Ada", "Dora", "Bea"):
        await insert(erp, name)
    assert await names(directory, None, EVERYBODY) == ["Ada", "Bea", "Cleo", "Dora"]
    assert [user.name for user in await directory.search(None, EVERYBODY, 2)] == ["Ada", "Bea"]


async def test_a_search_finds_only_whom_it_may(erp: Any, directory: Directory) -> None:
    north, south = ObjectId(), ObjectId()
    ada = await insert(erp, "Ada North", teamId=north)
    await insert(erp, "Bea South", teamId=south)
    await insert(erp, "Cleo Free")
    client = await insert(erp, "Dora Client", teamId=north, isClient=True)
    assert await names(directory, None, PeopleFilter(team_id=str(north))) == [
        "Ada North",
        "Cleo Free",
        "Dora Client",
    ]
    only_inside = PeopleFilter(team_id=str(north), clients=False)
    assert await names(directory, None, only_inside) == ["Ada North", "Cleo Free"]
    assert await names(directory, None, PeopleFilter(among=frozenset({ada, client}))) == [
        "Ada North",
        "Dora Client",
    ]
    assert await names(directory, None, PeopleFilter(among=frozenset())) == []
    assert await names(directory, "bea", PeopleFilter(team_id=str(north))) == []


async def test_a_team_may_have_a_name_for_an_id(erp: Any, directory: Directory) -> None:
    await insert(erp, "Ada", teamId="north")
    await insert(erp, "Bea", teamId="south")
    assert await names(directory, None, PeopleFilter(team_id="north")) == ["Ada"]


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=30)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=TEXT)
async def test_any_text_is_searched_for_literally(
    erp: Any, directory: Directory, text: str
) -> None:
    ada = {"name": "Ada", "status": "active"}
    await erp.users.update_one(ada, {"$set": ada}, upsert=True)
    found = await names(directory, text, EVERYBODY)
    if not text.split():
        assert found == ["Ada"]
    elif any(word[0] not in "aA" for word in text.split()):
        assert found == []
