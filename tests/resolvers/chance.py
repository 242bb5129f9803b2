"""What is random about a step of the lives in test_unread."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from hypothesis import strategies as st

from tests.resolvers.cast import KEYS
from tests.resolvers.model import TEXTS

T = TypeVar("T")


@dataclass(frozen=True)
class Chance:
    """What is random about a step; the numbers choose among what there is by then."""

    which: int
    who: int
    text: str
    named: list[str]
    online: frozenset[str]
    by_owner: bool


chances = st.builds(
    Chance,
    which=st.integers(0, 1_000),
    who=st.integers(0, 1_000),
    text=st.sampled_from(sorted(TEXTS)),
    named=st.lists(st.sampled_from(KEYS), max_size=2, unique=True),
    online=st.frozensets(st.sampled_from(KEYS)),
    by_owner=st.booleans(),
)


def one_of(choices: Sequence[T], number: int) -> T:
    """The choice that a number makes."""
    return choices[number % len(choices)]
