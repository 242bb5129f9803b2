"""What calls somebody, and what only looks like it."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvers import calls

STANDS_BY_ITSELF = [
    "@{}",
    "@{}!",
    "Look here, @{}.",
    "Look, (@{})",
    '"@{}"',
    "@{}'s turn",
    "*@{}* **@{}**",
    "_@{}_",
    "~@{}~",
    "<@{}>",
    "> @{}",
    "One line\n@{}\nanother",
    "@{}: one `thing`, and `another`",
    "`one` @{} `other`",
    "``one` @{}",
    "``` @{} ``",
    "`` ` `` @{}",
    "Until `then @{}",
    "@{}…",
    "\N{PARTY POPPER}@{}\N{PARTY POPPER}",
]
BELONGS_TO_SOMETHING = [
    "{}",
    "@ {}",
    "@{}s",
    "@{}_x",
    "@_{}",
    "@@{}",
    "x@{}",
    "é@{}",
    "@{}é",
    "\N{FULLWIDTH COMMERCIAL AT}{}",
    "somebody@{}.example",
    "some.body-@{}.example",
    "somebody_@{}.example",
    "@{}@social.example",
    "@{}.example",
    "@{}-and-now",
    "@{}/package",
    "https://videos.example/@{}",
    "`@{}`",
    "`` `@{}` ``",
    "```\n@{}\ndef f(): ...\n```",
    "```@{}``` and `@{}`",
    "`one` ``@{}``",
    "` `` @{} `` `` `",
]


@pytest.mark.parametrize("who", ["channel", "here", "CHANNEL", "Here"])
def test_a_call_stands_by_itself_and_in_no_code(who: str) -> None:
    mentions, mentions_no = calls.mentions_channel, calls.mentions_here
    if who.lower() == "here":
        mentions, mentions_no = mentions_no, mentions
    for text in STANDS_BY_ITSELF:
        assert mentions(text.replace("{}", who)), text
        assert not mentions_no(text.replace("{}", who)), text
    for text in BELONGS_TO_SOMETHING:
        assert not mentions(text.replace("{}", who)), text


@given(st.text("` a\n"))
def test_what_is_no_code_stays_and_code_ends_with_as_many_backticks(text: str) -> None:
    if "`" not in text:
        assert calls.without_code(text) == text
    # Around it there is nothing that could end within it.
    ticks = "`" * (len(text) + 1)
    assert calls.without_code(f"@here {ticks} {text} {ticks} now") == f"@here {ticks} now"


@pytest.mark.parametrize(
    "text",
    [
        "`",
        "` ",
        "@",
        "@here@",
        "_" * 9,
        "@here_",
        "@here" + "_" * 90_000,
        " ".join("`" * n for n in range(300)),
    ],
)
def test_no_text_takes_long(text: str) -> None:
    text = (text * (100_000 // len(text) + 1))[:100_000]
    started = time.process_time()
    calls.mentions_here(text)
    assert time.process_time() - started < 0.5
