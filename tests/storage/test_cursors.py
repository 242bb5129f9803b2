"""Cursors come back whole, are never taken for one another, and junk is refused in one way."""

from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from storage import cursors, ids
from storage.cursors import MAX_BIGINT, CursorKind
from storage.errors import ErrorCode, Refusal

KINDS = st.sampled_from(CursorKind)
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=80)
SCOPES = st.one_of(st.builds(ids.new_id), TEXT)
KEYS = st.lists(st.one_of(st.integers(0, MAX_BIGINT), TEXT), max_size=4)


def refused(cursor: str, kind: CursorKind, scope: str, *types: type) -> None:
    with pytest.raises(Refusal) as refusal:
        cursors.decode(kind, scope, cursor, "after", types)
    assert refusal.value.code == ErrorCode.BAD_USER_INPUT
    assert refusal.value.field == "after"


@given(KINDS, SCOPES, KEYS)
def test_a_cursor_comes_back_whole(kind: CursorKind, scope: str, key: list[int | str]) -> None:
    cursor = cursors.encode(kind, scope, *key)
    assert cursors.decode(kind, scope, cursor, "after", tuple(map(type, key))) == key
    # It may stand in a URL as it is.
    assert all(character.isalnum() or character in "-_" for character in cursor)


@given(KINDS, SCOPES, KINDS, SCOPES, KEYS)
def test_a_cursor_of_another_list_is_refused(
    kind: CursorKind, scope: str, other: CursorKind, elsewhere: str, key: list[int | str]
) -> None:
    assume((kind, scope) != (other, elsewhere))
    refused(cursors.encode(other, elsewhere, *key), kind, scope, *map(type, key))


@given(KINDS, SCOPES, KEYS, st.lists(st.sampled_from([int, str, bool, float]), max_size=4))
def test_a_cursor_with_another_kind_of_key_is_refused(
    kind: CursorKind, scope: str, key: list[int | str], types: list[type]
) -> None:
    assume([type(part) for part in key] != types)
    refused(cursors.encode(kind, scope, *key), kind, scope, *types)


JSON: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**64 - 1), st.floats(), TEXT),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(TEXT, inner)),
    max_leaves=6,
)


@given(
    st.one_of(
        st.text(max_size=300),
        st.binary(max_size=200).map(lambda junk: urlsafe_b64encode(junk).decode()),
        JSON.map(lambda junk: urlsafe_b64encode(orjson.dumps(junk)).decode()),
    )
)
def test_junk_is_refused_and_nothing_else_happens(junk: str) -> None:
    refused(junk, CursorKind.MESSAGE, "scope", int)
    refused(junk, CursorKind.USER, "scope", int, str, str)


@given(JSON)
def test_a_forged_key_gets_no_further_than_the_database_can_go(part: Any) -> None:
    forged = urlsafe_b64encode(orjson.dumps(["m", "scope", part])).decode()
    if type(part) is int and 0 <= part <= MAX_BIGINT:
        assert cursors.decode_position(CursorKind.MESSAGE, "scope", forged, "after") == part
    else:
        refused(forged, CursorKind.MESSAGE, "scope", int)


@pytest.mark.parametrize(
    "parts",
    [
        '["m","scope",-1]',
        '["m","scope",9223372036854775808]',
        '["m","scope",1e400]',
        '["m","scope",1.0]',
        '["m","scope",true]',
        '["m","scope",null]',
        '["m","scope",[1]]',
        '["m","scope"]',
        '["m","scope",1,2]',
        '["m","scope",1] ',
        '["m","scope",NaN]',
        '["M","scope",1]',
        '{"0":"m","1":"scope","2":1}',
        '"m"',
        "",
        "[" * 700,
    ],
)
def test_what_looks_nearly_right_is_refused(parts: str) -> None:
    cursor = urlsafe_b64encode(parts.encode()).decode()
    if parts.endswith(" "):
        # White space around JSON is no forgery.
        assert cursors.decode_position(CursorKind.MESSAGE, "scope", cursor, "after") == 1
    else:
        refused(cursor, CursorKind.MESSAGE, "scope", int)


@pytest.mark.parametrize("text", ["a\x00b", "\x00"])
def test_a_key_that_postgresql_cannot_store_is_refused(text: str) -> None:
    cursor = cursors.encode(CursorKind.CHANNEL, "scope", text, "id")
    refused(cursor, CursorKind.CHANNEL, "scope", str, str)


def test_a_cursor_longer_than_any_of_ours_is_refused_unread() -> None:
    refused("a" * 10_000_000, CursorKind.MESSAGE, "scope", int)


POSITIONS = st.integers(0, MAX_BIGINT)


@given(SCOPES, POSITIONS, POSITIONS)
def test_places_of_each_kind_come_back(scope: str, epoch: int, position: int) -> None:
    event = cursors.encode_event(scope, epoch, position)
    assert cursors.decode_event(scope, event, "after") == (epoch, position)
    for kind in (CursorKind.MESSAGE, CursorKind.REPLY):
        cursor = cursors.encode_position(kind, scope, position)
        assert cursors.decode_position(kind, scope, cursor, "after") == position


DECODERS: dict[CursorKind, Callable[[str], object]] = {
    CursorKind.EVENT: lambda cursor: cursors.decode_event("scope", cursor, "after"),
    CursorKind.MESSAGE: lambda cursor: cursors.decode_position(
        CursorKind.MESSAGE, "scope", cursor, "after"
    ),
    CursorKind.REPLY: lambda cursor: cursors.decode_position(
        CursorKind.REPLY, "scope", cursor, "after"
    ),
}


@pytest.mark.parametrize("made", DECODERS)
@pytest.mark.parametrize("read", DECODERS)
def test_a_place_of_one_kind_is_none_of_another(made: CursorKind, read: CursorKind) -> None:
    cursor = (
        cursors.encode_event("scope", 1, 2)
        if made is CursorKind.EVENT
        else cursors.encode_position(made, "scope", 2)
    )
    if made is read:
        assert DECODERS[read](cursor)
    else:
        with pytest.raises(Refusal) as refusal:
            DECODERS[read](cursor)
        assert refusal.value.code == ErrorCode.BAD_USER_INPUT
