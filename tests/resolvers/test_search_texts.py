"""Whatever is searched for: any text is answered or refused, in time."""

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from resolvers import search
from resolvers.inputs import MAX_SEARCH
from resolvers.search import MAX_TERMS
from storage import search as statements
from tests.operations import UNKNOWN_ID, UNKNOWN_PERSON, document
from tests.resolvers.searching import FOUND, refused
from tests.world import World


@pytest.fixture(scope="module")
async def talk(world: World) -> None:
    """Something that may be found."""
    channel = await world.carol.create_channel(world.dave)
    for text in ("The quick brown fox", "a b", "1: 東 ก é 😀", "x" * 100):
        await world.dave.say(channel, text)


async def test_too_long_and_too_many_are_refused_by_name(world: World) -> None:
    for query in ("x" * (MAX_SEARCH + 1), "y" * 10_000, " ".join("z" * (MAX_TERMS + 1))):
        refusal = await refused(world.carol, query)
        assert (refusal.code, refusal.field) == ("BAD_USER_INPUT", "query")


async def test_a_search_that_takes_too_long_is_refused_and_gives_its_connection_back(
    world: World, talk: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = statements.SEARCH.replace("join messages m", "cross join pg_sleep(30) join messages m")
    monkeypatch.setattr(statements, "SEARCH", slow)
    monkeypatch.setattr(statements, "SECONDS", 0.1)
    refusal = await refused(world.carol, "brown")
    assert (refusal.code, refusal.field) == ("QUERY_TOO_COMPLEX", "query")
    running = await world.database.fetchval(
        "select count(*) from pg_stat_activity where query like '%pg_sleep(30)%'"
        " and state = 'active' and pid <> pg_backend_pid() and datname = current_database()"
    )
    assert running == 0


ODD = st.text(
    st.sampled_from("ab東ก\u0301é'\"\\%_-()&|!<>:*@#§,\n\t \x00\ud800\u200d\ufeff😀1")
    | st.characters(),
    max_size=MAX_SEARCH,
) | st.lists(
    st.sampled_from(["or", "OR", "-", '"', "a", "-a", '-"', "a:*", "a & b", "!", "<->", "(", "'"])
).map(" ".join)


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(query=ODD, by_relevance=st.booleans())
@example(query="\u0085 \u00a0", by_relevance=False)
@example(query="a" * 200, by_relevance=False)
@example(query="\ufdfa" * 200, by_relevance=True)
async def test_any_text_is_answered_or_refused_by_name(
    world: World, talk: None, query: str, by_relevance: bool
) -> None:
    order = "RELEVANCE" if by_relevance else "NEWEST"
    variables = {"query": query, "orderBy": order, "first": 5}
    result = await world.carol.post(document("searchMessages", variables, FOUND), variables)
    if errors := result.get("errors"):
        extensions = errors[0]["extensions"]
        assert (extensions["code"], extensions["field"]) == ("BAD_USER_INPUT", "query")
    else:
        assert all(edge["snippet"] for edge in result["data"]["searchMessages"]["edges"])


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])))
async def test_any_text_can_be_sent_and_is_found_by_its_own_words(
    world: World, content: str
) -> None:
    database = world.database
    (words,) = await statements.words(database, [content])
    vector = await database.fetchval(
        "select search_vector($1, $2, false, $3)::text", UNKNOWN_ID, UNKNOWN_PERSON, content
    )
    assert bool(vector) == bool(words)
    (again,) = await statements.words(database, [" ".join(words)])
    assert again == words


async def test_the_longest_message_of_the_hardest_kind_is_kept(world: World) -> None:
    hardest = "".join(chr(0x20000 + number) for number in range(40_000))
    assert (
        await world.database.fetchval(
            "select length(search_vector($1, $2, true, $3))", UNKNOWN_ID, UNKNOWN_PERSON, hardest
        )
        == 16_383 + 2
    )


def test_the_limits_are_those_of_the_docs() -> None:
    assert (search.MAX_TERMS, statements.WALKED, statements.RANKED) == (20, 4_000, 100)
