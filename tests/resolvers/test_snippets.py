"""The passage that was found: what is marked, and that nothing else is markup."""

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvers.snippets import ELLIPSIS, LENGTH, snippet, words
from storage import search, search_query
from storage.search_query import Query
from tests.world import World


def query(text: str) -> Query:
    parsed = search_query.parse(text)
    each = [[word.text for word in words(term.text)] for terms in parsed for term in terms]
    return search_query.with_words(parsed, each)


@pytest.mark.parametrize(
    ("content", "text", "expected"),
    [
        ("Hello world", "world", "Hello <mark>world</mark>"),
        ("Hello world", "wor", "Hello <mark>world</mark>"),
        ("world worlds", '"world"', "<mark>world</mark> worlds"),
        ("a café", "CAFE", "a <mark>café</mark>"),
        ("a cafe\u0301!", "café", "a <mark>cafe\u0301</mark>!"),
        ("x y z y x", '"y x"', "x y z <mark>y x</mark>"),
        ("東京タワー", "京タ", "東<mark>京タ</mark>ワー"),
        ("one two", "one -three", "<mark>one</mark> two"),
        ("one or two", "one or two", "<mark>one</mark> or <mark>two</mark>"),
        (
            "<mark>one</mark> & \"two\" 'x'",
            "two",
            "&lt;mark&gt;one&lt;/mark&gt; &amp; &quot;<mark>two</mark>&quot; &#x27;x&#x27;",
        ),
        ("mark <mark>", "mark", "<mark>mark</mark> &lt;<mark>mark</mark>&gt;"),
        ("👍🏽 one 👩‍👩‍👧", "one", "👍🏽 <mark>one</mark> 👩‍👩‍👧"),
        ("CO₂ and H₂O, 5½ m²", "h2o", "CO₂ and <mark>H₂O</mark>, 5½ m²"),
        ("CO₂ and H₂O, 5½ m²", "m2", "CO₂ and H₂O, 5½ <mark>m²</mark>"),
        ("step ① of № 5™", "1", "step <mark>①</mark> of № 5™"),
        ("nothing here", "other", "nothing here"),
    ],
)
def test_matches_are_marked_and_the_rest_is_escaped(content: str, text: str, expected: str) -> None:
    assert snippet(content, query(text)) == expected


def test_a_long_text_is_cut_around_the_first_match() -> None:
    content = "before " * 100 + "needle" + " after" * 100
    found = snippet(content, query("needle"))
    assert found.startswith(ELLIPSIS + "before ")
    assert found.endswith(ELLIPSIS)
    assert found.index("<mark>needle</mark>") <= 60
    assert len(found) <= LENGTH + 2 * len(ELLIPSIS) + len("<mark></mark>")


def test_a_word_longer_than_the_snippet_is_cut_and_its_mark_closed() -> None:
    assert snippet("x" * 4_000, query("xx")) == f"<mark>{'x' * LENGTH}</mark>{ELLIPSIS}"


def test_a_letter_keeps_its_accents_where_the_text_is_cut() -> None:
    content = "one " + "e\u0301" * 400
    found = unescape(re.sub("</?mark>", "", snippet(content, query("one"))))
    assert not found.removesuffix(ELLIPSIS).endswith("e")


@given(
    st.text(st.sampled_from("ab <>&\"'/mark\u0301東😀\u200d🏽;") | st.characters(), max_size=400),
    st.text(st.sampled_from("ab 東mark<"), max_size=10),
)
def test_any_snippet_is_a_part_of_the_text_with_balanced_marks(content: str, text: str) -> None:
    found = snippet(content, query(text))
    parts = re.split(r"(</?mark>)", found)
    assert parts[1::2] == ["<mark>", "</mark>"] * (len(parts) // 4)
    plain = "".join(parts[::2])
    assert not re.search(r"""[<>"']""", plain)
    text = unescape(plain) if "&" in plain else plain
    assert re.sub(rf"^{ELLIPSIS}|{ELLIPSIS}$", "", text) in content or text in content


async def test_words_are_the_same_here_and_in_postgresql(world: World) -> None:
    """Every character of the common scripts and some of the others, alone and inside a word."""
    characters = [*map(chr, range(1, 0x3100)), *map(chr, range(0xE000, 0x40000, 97))]
    everything = [f"{character} a{character}b" for character in characters]
    here = [[word.text for word in words(text)] for text in everything]
    there = await search.words(world.database, everything)
    different = [text[0] for text, a, b in zip(everything, here, there, strict=True) if a != b]
    assert not [character for character in different if character < "\u0530"]
    # Which letters have which case is in tables that grow from year to year.
    assert len(different) < 20, different
