"""DateTime: RFC 3339, out in one form, in from any that is one."""

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from graphql import GraphQLError
from hypothesis import given
from hypothesis import strategies as st

from schema.scalars import from_rfc3339, to_rfc3339

ZONES = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda m: timezone(timedelta(minutes=m)))
MOMENTS = st.builds(
    lambda seconds, microseconds, zone: (
        datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds, microseconds=microseconds)
    ).astimezone(zone),
    # Short of both ends of the calendar by more than any zone is off.
    st.integers(-62_135_000_000, 253_402_000_000),
    st.integers(0, 999_999),
    ZONES,
)


@given(MOMENTS)
def test_a_moment_comes_back_to_the_microsecond(moment: datetime) -> None:
    back = from_rfc3339(to_rfc3339(moment))
    assert back == moment
    assert back.tzinfo is UTC


@given(MOMENTS, st.booleans())
def test_the_form_is_always_the_same(moment: datetime, is_in_utc: bool) -> None:
    text = to_rfc3339(moment.astimezone(UTC) if is_in_utc else moment)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", text)


@given(MOMENTS)
def test_a_moment_is_understood_in_any_zone(moment: datetime) -> None:
    assert from_rfc3339(moment.isoformat()) == moment


@given(st.lists(MOMENTS, max_size=10))
def test_texts_sort_as_their_moments_do(moments: list[datetime]) -> None:
    assert sorted(map(to_rfc3339, moments)) == list(map(to_rfc3339, sorted(moments)))


def test_the_form_is_the_one_that_is_promised() -> None:
    moment = datetime(2026, 11, 20, 10, 30, tzinfo=timezone(timedelta(hours=1)))
    assert to_rfc3339(moment) == "2026-11-20T09:30:00.000000Z"
    assert to_rfc3339(moment + timedelta(microseconds=123456)) == "2026-11-20T09:30:00.123456Z"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-20T09:30:00Z", datetime(2026, 11, 20, 9, 30, tzinfo=UTC)),
        ("2026-11-20t09:30:00z", datetime(2026, 11, 20, 9, 30, tzinfo=UTC)),
        ("2026-11-20T09:30:00-00:00", datetime(2026, 11, 20, 9, 30, tzinfo=UTC)),
        ("2026-11-20T09:30:00.5+05:30", datetime(2026, 11, 20, 4, 0, 0, 500_000, tzinfo=UTC)),
        # Finer than we keep.
        ("2026-11-20T09:30:00.123456789Z", datetime(2026, 11, 20, 9, 30, 0, 123456, tzinfo=UTC)),
    ],
)
def test_what_the_rfc_allows_is_taken(text: str, moment: datetime) -> None:
    assert from_rfc3339(text) == moment


@pytest.mark.parametrize(
    "value",
    [
        None,
        5,
        True,
        [],
        "",
        "now",
        "2026-11-20",
        "2026-11-20T09:30Z",
        "2026-11-20T09:30:00",
        "2026-11-20 09:30:00",
        "2026-W47-5T09:30:00Z",
        "20261120T093000Z",
        "2026-11-20T09:30:00,5Z",
        "2026-11-20T09:30:00.Z",
        "2026-11-20T09:30:00+0530",
        "2026-11-20T09:30:00+05:30:15",
        "2026-11-20T09:30:00+24:00",
        "2026-11-20T24:30:00Z",
        "2026-02-30T09:30:00Z",
        "２026-11-20T09:30:00Z",
        "2026-11-20T09:30:00Z\n",
        # There is no such moment in the calendar of either end.
        "0001-01-01T00:00:00+23:00",
        "9999-12-31T23:59:59-23:00",
        "0000-01-01T00:00:00Z",
    ],
)
def test_anything_else_is_refused(value: object) -> None:
    with pytest.raises(GraphQLError):
        from_rfc3339(value)


@given(st.text(max_size=40))
def test_no_text_does_worse_than_be_refused(text: str) -> None:
    try:
        moment = from_rfc3339(text)
    except GraphQLError:
        return
    assert moment.tzinfo is UTC
