"""Lists read from one end to the other, a page at a time."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from hypothesis import HealthCheck, settings

from resolvers.pages import Edge, Page

T = TypeVar("T")

TURNS = 300
"""Nobody has more pages here: who goes on goes round in circles."""

walks = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
"""For properties whose examples talk to a database."""


async def forward(
    page: Callable[[str | None], Awaitable[Page[T]]],
    between: Callable[[], Awaitable[None]] | None = None,
) -> list[Edge[T]]:
    """Every edge from the first page to the one that says it is the last."""
    found: list[Edge[T]] = []
    after: str | None = None
    for _ in range(TURNS):
        got = await page(after)
        found += got.edges
        info = got.page_info
        assert info.has_previous_page == (after is not None)
        _check_ends(got)
        if not info.has_next_page:
            return found
        assert got.edges, "there is more, they say, and give nothing"
        assert info.end_cursor != after, "this is where the page began"
        after = info.end_cursor
        if between:
            await between()
    raise AssertionError("no end")


async def backward(
    page: Callable[[str | None], Awaitable[Page[T]]],
    between: Callable[[], Awaitable[None]] | None = None,
) -> list[Edge[T]]:
    """Every edge from the last page to the one that says it is the first, oldest first."""
    found: list[Edge[T]] = []
    before: str | None = None
    for _ in range(TURNS):
        got = await page(before)
        found = [*got.edges, *found]
        info = got.page_info
        assert info.has_next_page == (before is not None)
        _check_ends(got)
        if not info.has_previous_page:
            return found
        assert got.edges, "there is more, they say, and give nothing"
        assert info.start_cursor != before, "this is where the page ended"
        before = info.start_cursor
        if between:
            await between()
    raise AssertionError("no end")


def _check_ends(page: Page[T]) -> None:
    info = page.page_info
    cursors = [edge.cursor for edge in page.edges]
    assert info.start_cursor == next(iter(cursors), None)
    assert info.end_cursor == next(reversed(cursors), None)
