"""Ids: ours are new and in order, and what cannot be one is told at once."""

import re
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage import ids


def test_ids_are_new_and_in_the_order_they_were_made() -> None:
    made = [ids.new_id() for _ in range(10_000)]
    assert made == sorted(set(made))
    assert {UUID(id).version for id in made[:10]} == {7}


@given(st.uuids())
def test_an_id_is_one_whatever_its_case(uuid: UUID) -> None:
    assert ids.own_id(str(uuid)) == str(uuid)
    assert ids.own_id(str(uuid).upper()) == str(uuid)


@given(st.binary(min_size=12, max_size=12))
def test_a_person_s_id_is_one_whatever_its_case(id: bytes) -> None:
    assert ids.user_id(id.hex()) == id.hex()
    assert ids.user_id(id.hex().upper()) == id.hex()


@given(st.text())
def test_nothing_else_is_an_id(text: str) -> None:
    for found, form in (
        (ids.own_id(text), r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
        (ids.user_id(text), r"[0-9a-f]{24}"),
    ):
        assert (found is not None) == (re.fullmatch(form, text.lower(), re.ASCII) is not None)


@pytest.mark.parametrize(
    "change",
    [
        lambda id: id + "\n",
        lambda id: " " + id,
        lambda id: id + "\x00",
        lambda id: "{" + id + "}",
        lambda id: "urn:uuid:" + id,
        lambda id: id.replace("-", ""),
        lambda id: id.replace("0", "０"),
        lambda id: id[:-1],
        lambda id: id + "0",
        lambda id: id.replace("a", "g"),
    ],
)
def test_what_postgresql_or_mongodb_would_take_for_an_id_and_we_do_not(change: object) -> None:
    assert callable(change)
    own, person = "01900000-0000-7000-8000-00000000000a", "00000000000000000000000a"
    assert ids.own_id(own) == own
    assert ids.user_id(person) == person
    assert ids.own_id(change(own)) is None
    if change(person) != person:
        assert ids.user_id(change(person)) is None
