"""The doctor on the keys that tokens are checked with."""

from typing import Any

from tests.server.doctor.asking import remarks
from tests.server.issuer import Key, publishing


async def test_published_keys(good: dict[str, Any]) -> None:
    plain = ("Tokens", "BACKCHANNEL_JWT_JWKS_URL is not https: keys can be exchanged on the way")
    with publishing(Key.new("RS256"), Key.new("ES256", "key-2")) as issuer:
        published = {"jwt_secret": None, "jwt_jwks_url": issuer.url}
        assert await remarks(good, **published) == [
            plain,
            (
                "Tokens",
                "BACKCHANNEL_JWT_AUDIENCE is not set: tokens for other programs are good too",
            ),
        ]
        published["jwt_audience"] = "chat"
        issuer.keys = [Key.new("RS256", bits=1024).jwk]
        assert (await remarks(good, **published))[1:] == [
            ("Tokens", "no key that can be used is published: ES256, EdDSA, RS256")
        ]
        issuer.body = b"<html>hunter2</html>"
        assert (await remarks(good, **published))[1:] == [
            ("Tokens", "does not answer with a key set (BACKCHANNEL_JWT_JWKS_URL)")
        ]
        issuer.status = 404
        assert (await remarks(good, **published))[1:] == [
            ("Tokens", "answers with status 404 (BACKCHANNEL_JWT_JWKS_URL)")
        ]
