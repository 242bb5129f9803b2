"""Tokens of an issuer with public keys, published by a real server on this machine."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest

from server import keyset
from server.auth import Authenticator
from storage.errors import ErrorCode, Refusal
from tests.server.issuer import ALICE, Issuer, Key, good, publishing

RSA, EC, ED = Key.new("RS256", "rsa"), Key.new("ES256", "ec"), Key.new("EdDSA", "ed")
OTHER = Key.new("RS256", "other")
BAD_SIGNATURE = "The token's signature is not valid."


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    with publishing(RSA, EC, ED) as issuer:
        yield issuer


async def refusal(authenticator: Authenticator, token: str) -> str:
    with pytest.raises(Refusal) as caught:
        await authenticator.session(token)
    assert caught.value.code is ErrorCode.UNAUTHENTICATED
    return caught.value.message


async def unavailable(authenticator: Authenticator, token: str) -> None:
    with pytest.raises(Refusal) as caught:
        await authenticator.session(token)
    assert caught.value.code is ErrorCode.UNAVAILABLE
    assert caught.value.service == "jwks"


# ---------------------------------------------------------------- good tokens


@pytest.mark.parametrize("key", [RSA, EC, ED], ids=lambda key: key.algorithm)
async def test_each_kind_of_key(issuer: Issuer, key: Key) -> None:
    session = await Authenticator(jwks_url=issuer.url).session(key.sign())
    assert session.user_id == ALICE


async def test_many_at_once_are_one_fetch(issuer: Issuer) -> None:
    authenticator = Authenticator(jwks_url=issuer.url)
    tokens = [RSA.sign(good(exp=int(time.time()) + 60 + at)) for at in range(50)]
    await asyncio.gather(*map(authenticator.session, tokens))
    assert issuer.fetches == 1


async def test_a_token_without_a_key_id_finds_the_only_key(issuer: Issuer) -> None:
    anonymous = Key(None, "RS256", RSA.private)
    authenticator = Authenticator(jwks_url=issuer.url)
    assert (await authenticator.session(anonymous.sign())).user_id == ALICE
    issuer.publish(RSA, OTHER)
    assert await refusal(Authenticator(jwks_url=issuer.url), anonymous.sign()) == BAD_SIGNATURE


# ---------------------------------------------------------------- attacks


def forged(key: bytes | str, claims: dict[str, Any], **headers: Any) -> str:
    """A token signed with HS256 and something public as the secret."""
    header = {"alg": "HS256", "typ": "JWT"} | headers
    parts = [
        jwt.utils.base64url_encode(json.dumps(part).encode()).decode() for part in (header, claims)
    ]
    algorithm: Any = jwt.get_algorithm_by_name("HS256")
    secret = key.encode() if isinstance(key, str) else key
    parts.append(
        jwt.utils.base64url_encode(algorithm.sign(".".join(parts).encode(), secret)).decode()
    )
    return ".".join(parts)


@pytest.mark.parametrize("headers", [{"kid": "rsa"}, {}, {"kid": "ec"}])
@pytest.mark.parametrize(
    "key",
    [RSA.pem, RSA.pem.rstrip(), json.dumps(RSA.jwk), json.dumps({"keys": [RSA.jwk]}), b"", b"rsa"],
    ids=["pem", "stripped pem", "jwk", "jwks", "nothing", "kid"],
)
async def test_a_public_key_is_no_secret(
    issuer: Issuer, key: bytes | str, headers: dict[str, str]
) -> None:
    authenticator = Authenticator(jwks_url=issuer.url)
    await authenticator.session(RSA.sign())
    assert await refusal(authenticator, forged(key, good(), **headers)) == BAD_SIGNATURE


async def test_symmetric_keys_are_never_taken_from_a_set(issuer: Issuer) -> None:
    secret = b"a secret somebody published by mistake"
    k = jwt.utils.base64url_encode(secret).decode()
    issuer.keys += [{"kty": "oct", "kid": "oct", "k": k, "alg": a} for a in ("HS256", "HS512")]
    authenticator = Authenticator(jwks_url=issuer.url)
    assert await refusal(authenticator, forged(secret, good(), kid="oct")) == BAD_SIGNATURE


@pytest.mark.parametrize("algorithm", ["none", "HS256", "RS512", "PS256", "ES256", "EdDSA", "x"])
async def test_the_key_decides_the_algorithm(issuer: Issuer, algorithm: str) -> None:
    authenticator = Authenticator(jwks_url=issuer.url)
    header, claims, signature = RSA.sign().split(".")
    header = jwt.utils.base64url_encode(
        json.dumps({"alg": algorithm, "kid": "rsa"}).encode()
    ).decode()
    for end in ("", signature):
        assert await refusal(authenticator, f"{header}.{claims}.{end}") == BAD_SIGNATURE


@pytest.mark.parametrize("algorithm", ["RS384", "RS512", "PS256"])
async def test_a_true_signature_of_another_algorithm(issuer: Issuer, algorithm: str) -> None:
    token = jwt.encode(good(), RSA.private, algorithm, {"kid": "rsa"})
    assert await refusal(Authenticator(jwks_url=issuer.url), token) == BAD_SIGNATURE


async def test_keys_brought_along_are_not_looked_at(issuer: Issuer) -> None:
    with publishing(OTHER) as stranger:
        authenticator = Authenticator(jwks_url=issuer.url)
        for headers in (
            {"jwk": OTHER.jwk},
            {"jwk": OTHER.jwk, "kid": "rsa"},
            {"jku": stranger.url},
            {"jku": stranger.url, "kid": "rsa"},
            {"x5u": stranger.url, "kid": "rsa"},
            {"kid": stranger.url},
            {"kid": "../../../../dev/null"},
            {"kid": "rsa' or '1'='1"},
            {"kid": "ec"},
        ):
            assert await refusal(authenticator, OTHER.sign(**headers)) == BAD_SIGNATURE
        assert stranger.fetches == 0


async def test_made_up_key_ids_do_not_cause_fetches(issuer: Issuer) -> None:
    authenticator = Authenticator(jwks_url=issuer.url)
    await authenticator.session(RSA.sign())
    for number in range(100):
        assert await refusal(authenticator, OTHER.sign(kid=f"{number}")) == BAD_SIGNATURE
    assert issuer.fetches == 1


@pytest.mark.parametrize(
    "key",
    [
        RSA.jwk | {"use": "enc"},
        RSA.jwk | {"alg": "RS512"},
        RSA.jwk | {"alg": ["RS256"]},
        RSA.jwk | {"kty": "EC"},
        RSA.jwk | {"n": ""},
        Key.new("RS256", "rsa", bits=1024).jwk,
    ],
    ids=["for encryption", "RS512", "a list", "another kind", "no modulus", "1,024 bits"],
)
async def test_keys_that_are_not_to_be_used(issuer: Issuer, key: dict[str, Any]) -> None:
    issuer.keys = [key, EC.jwk]
    with pytest.raises(Refusal):
        await Authenticator(jwks_url=issuer.url).session(RSA.sign())


# ---------------------------------------------------------------- time goes by


async def test_a_rotated_key(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    authenticator = Authenticator(jwks_url=issuer.url)
    old = RSA.sign()
    await authenticator.session(old)
    issuer.publish(OTHER)
    assert await refusal(authenticator, OTHER.sign()) == BAD_SIGNATURE
    later(monkeypatch, keyset.PAUSE + 1)
    assert (await authenticator.session(OTHER.sign())).user_id == ALICE
    # The old key is gone with it.
    assert await refusal(authenticator, RSA.sign(good(exp=9_999_999_999))) == BAD_SIGNATURE
    assert issuer.fetches == 2


async def test_an_old_set_is_fetched_again_while_it_serves(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    authenticator = Authenticator(jwks_url=issuer.url)
    await authenticator.session(RSA.sign())
    later(monkeypatch, keyset.FRESH + 1)
    issuer.answer.clear()
    assert (await authenticator.session(EC.sign())).user_id == ALICE
    issuer.answer.set()
    await fetched(authenticator)
    assert issuer.fetches == 2


async def test_known_keys_outlive_their_server(monkeypatch: pytest.MonkeyPatch) -> None:
    with publishing(RSA) as issuer:
        authenticator = Authenticator(jwks_url=issuer.url)
        await authenticator.session(RSA.sign())
    later(monkeypatch, keyset.FRESH + 1)
    for _ in range(3):
        assert (await authenticator.session(RSA.sign(good(exp=time.time() + 9)))).user_id == ALICE
        await fetched(authenticator)
    # Whether an unknown key is good cannot be said now.
    await unavailable(authenticator, OTHER.sign())
    later(monkeypatch, keyset.FRESH + keyset.KEPT + 2)
    await unavailable(authenticator, RSA.sign(good(exp=time.time() + 99)))


async def test_without_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    with publishing(RSA) as issuer:
        pass
    authenticator = Authenticator(jwks_url=issuer.url)
    await unavailable(authenticator, RSA.sign())
    await unavailable(authenticator, RSA.sign())


async def test_a_server_that_comes_back(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    authenticator = Authenticator(jwks_url=issuer.url)
    issuer.status = 503
    await unavailable(authenticator, RSA.sign())
    issuer.status = 200
    await unavailable(authenticator, RSA.sign())
    assert issuer.fetches == 1
    later(monkeypatch, keyset.RETRY + 1)
    assert (await authenticator.session(RSA.sign())).user_id == ALICE


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b"5",
        b"<html>",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"keys": 5}',
        b'{"keys": []}',
        b'{"keys": [null]}',
        b'{"keys": [{"kty": ["RSA"]}]}',
    ],
)
async def test_a_server_that_talks_nonsense(issuer: Issuer, body: bytes) -> None:
    issuer.body = body
    await unavailable(Authenticator(jwks_url=issuer.url), RSA.sign())


async def test_a_server_that_says_nothing(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyset, "TIMEOUT", 0.2)
    issuer.answer.clear()
    authenticator = Authenticator(jwks_url=issuer.url)
    begun = time.monotonic()
    await asyncio.gather(*(unavailable(authenticator, RSA.sign()) for _ in range(5)))
    assert time.monotonic() - begun < 5
    assert issuer.fetches == 1


async def test_one_who_gives_up_does_not_stop_the_others(issuer: Issuer) -> None:
    issuer.answer.clear()
    authenticator = Authenticator(jwks_url=issuer.url)
    first = asyncio.create_task(authenticator.session(RSA.sign()))
    second = asyncio.create_task(authenticator.session(EC.sign()))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    issuer.answer.set()
    assert (await second).user_id == ALICE
    assert issuer.fetches == 1


def later(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Put the clock of the key set forward."""
    monkeypatch.setattr(keyset, "monotonic", lambda: time.monotonic() + seconds)


async def fetched(authenticator: Authenticator) -> None:
    """Wait for the fetch under way."""
    assert authenticator._keys is not None
    if authenticator._keys._fetching is not None:
        await authenticator._keys._fetching
