"""The doctor on settings by themselves."""

from typing import Any

import pytest

from tests.server.doctor.asking import remarks


async def test_settings_seldom_meant(good: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKCHANNEL_MONGODATABASE", "hunter2")
    found = await remarks(
        good, allowed_origins="*", graphiql=True, introspection=True, jwt_secret="abc" * 20
    )
    assert found == [
        (
            "Configuration",
            "BACKCHANNEL_MONGODATABASE is not a setting; is BACKCHANNEL_MONGO_DATABASE meant?",
        ),
        ("Configuration", "BACKCHANNEL_JWT_SECRET repeats itself and can be guessed"),
        ("Configuration", "BACKCHANNEL_ALLOWED_ORIGINS lets the pages of any web site call us"),
        ("Configuration", "BACKCHANNEL_GRAPHIQL is on: whoever reaches us can use GraphiQL"),
        ("Configuration", "BACKCHANNEL_INTROSPECTION is on: strangers can read the schema"),
    ]
