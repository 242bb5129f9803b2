import asyncio
import base64
import json
import time
from itertools import count
from typing import Any

import jwt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server import auth
from server.auth import Authenticator, bearer, issue_token, token_in
from storage.errors import ErrorCode, Refusal
from tests.server.issuer import ALICE, Key, good

SECRET = "a secret of the tests, long enough"
RSA = Key.new("RS256")

UNREADABLE = "The token cannot be read."
BAD_SIGNATURE = "The token's signature is not valid."
EXPIRED = "The token has expired."


def segment(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def raw(claims: bytes, header: object = None) -> str:
    """A token whose claims are these very bytes, signed as they are."""
    signed = f"{segment(header or {'alg': 'HS256'})}.{segment(claims)}"
    signature = jwt.get_algorithm_by_name("HS256").sign(signed.encode(), SECRET.encode())
    return f"{signed}.{segment(signature)}"


def hs256(claims: dict[str, Any]) -> str:
    return raw(json.dumps(claims).encode())


def secret(**options: Any) -> Authenticator:
    return Authenticator(secret=SECRET, **options)


async def refusal(authenticator: Authenticator, token: str) -> str:
    with pytest.raises(Refusal) as caught:
        await authenticator.session(token)
    assert caught.value.code is ErrorCode.UNAUTHENTICATED
    for part in token.split("."):
        assert len(part) < 8 or part not in caught.value.message
    return caught.value.message


# ---------------------------------------------------------------- good tokens


async def test_a_token_names_a_person() -> None:
    claims = good(sub=ALICE.upper(), exp=int(time.time()) + 60)
    session = await secret().session(hs256(claims))
    assert session.user_id == ALICE
    assert session.expires_at == claims["exp"]


async def test_our_own_tokens_are_good() -> None:
    token = issue_token(ALICE, secret=SECRET, issuer="us", audience="chat", lifetime=60)
    session = await secret(issuer="us", audience="chat").session(token)
    assert session.user_id == ALICE
    assert 40 < session.expires_at - time.time() <= 61
    assert (await secret().session(token)).user_id == ALICE


async def test_claims_nobody_asked_for_are_ignored() -> None:
    token = hs256(good(aud=["a", "b"], iss="anybody", jti=7, name="Alice", exp=time.time() + 60))
    assert (await secret().session(token)).user_id == ALICE


@pytest.mark.parametrize("audience", ["chat", ["erp", "chat"]])
async def test_issuer_and_audience(audience: object) -> None:
    token = hs256(good(iss="https://id.example", aud=audience))
    session = await secret(issuer="https://id.example", audience="chat").session(token)
    assert session.user_id == ALICE


# ---------------------------------------------------------------- refused claims


@pytest.mark.parametrize(
    ("claims", "message"),
    [
        (good(exp=int(time.time()) - 1), EXPIRED),
        (good(exp=0), EXPIRED),
        (good(exp=-1), EXPIRED),
        (good(exp=None), "The token lacks the claim exp."),
        (good(exp="9999999999"), "The token's claim exp is not a time."),
        (good(exp="soon"), "The token's claim exp is not a time."),
        (good(exp=True), "The token's claim exp is not a time."),
        (good(exp=[9999999999]), "The token's claim exp is not a time."),
        (good(exp=float("nan")), "The token's claim exp is not a time."),
        (good(exp=float("inf")), "The token's claim exp is not a time."),
        (good(exp=1e300), "The token's claim exp is not a time."),
        (good(exp=10**400), "The token's claim exp is not a time."),
        (good(nbf=time.time() + 600), "The token is not valid yet."),
        (good(iat=time.time() + 600), "The token is not valid yet."),
        (good(nbf="now"), UNREADABLE),
        (good(nbf="0"), "The token's claim nbf is not a time."),
        (good(iat="0"), "The token's claim iat is not a time."),
        (good(iat=float("nan")), UNREADABLE),
        (good(sub=None), "The token lacks the claim sub."),
        (good(sub=1), "The token's claim sub is not a user id."),
        (good(sub=[ALICE]), "The token's claim sub is not a user id."),
        (good(sub={"$ne": None}), "The token's claim sub is not a user id."),
        (good(sub=""), "The token's claim sub is not a user id."),
        (good(sub="alice"), "The token's claim sub is not a user id."),
        (good(sub=ALICE + "\n"), "The token's claim sub is not a user id."),
        (good(sub=ALICE[:-1]), "The token's claim sub is not a user id."),
        (good(sub=ALICE[:-1] + "g"), "The token's claim sub is not a user id."),
        (good(sub=ALICE[:-1] + "٣"), "The token's claim sub is not a user id."),
    ],
)
async def test_claims_refused(claims: dict[str, Any], message: str) -> None:
    assert await refusal(secret(), hs256(claims)) == message


@pytest.mark.parametrize("leeway", [0, 60])
async def test_leeway_is_for_the_start_and_not_for_the_end(leeway: float) -> None:
    authenticator = secret(leeway=leeway)
    ahead = hs256(good(iat=time.time() + 30, nbf=time.time() + 30))
    if leeway:
        assert (await authenticator.session(ahead)).user_id == ALICE
    else:
        assert await refusal(authenticator, ahead) == "The token is not valid yet."
    assert await refusal(authenticator, hs256(good(exp=time.time() - 1))) == EXPIRED


@pytest.mark.parametrize(
    ("claims", "message"),
    [
        (good(aud="chat"), "The token lacks the claim iss."),
        (good(aud="chat", iss="us "), "The token is from another issuer."),
        (good(aud="chat", iss=["us"]), "The token is from another issuer."),
        (good(iss="us"), "The token lacks the claim aud."),
        (good(iss="us", aud=""), "The token lacks the claim aud."),
        (good(iss="us", aud=[]), "The token lacks the claim aud."),
        (good(iss="us", aud="chats"), "The token is for another audience."),
        (good(iss="us", aud=["a", "b"]), "The token is for another audience."),
        (good(iss="us", aud={"chat": 1}), "The token is for another audience."),
    ],
)
async def test_issuer_and_audience_refused(claims: dict[str, Any], message: str) -> None:
    assert await refusal(secret(issuer="us", audience="chat"), hs256(claims)) == message


# ---------------------------------------------------------------- refused signatures


async def test_a_token_of_another_secret() -> None:
    token = jwt.encode(good(), SECRET[::-1], "HS256")
    assert await refusal(secret(), token) == BAD_SIGNATURE


async def test_every_changed_character_is_noticed() -> None:
    token = hs256(good())
    authenticator = secret()
    for at in range(len(token)):
        changed = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
        await refusal(authenticator, changed)
    assert (await authenticator.session(token)).user_id == ALICE


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", "", None, 0, ["HS256"], {}])
@pytest.mark.parametrize("signature", ["", segment(b"x")])
async def test_unsigned_tokens(algorithm: object, signature: str) -> None:
    header = {"typ": "JWT", "alg": algorithm}
    token = f"{segment(header)}.{segment(good())}.{signature}"
    assert await refusal(secret(), token) in (BAD_SIGNATURE, UNREADABLE)


@pytest.mark.parametrize("header", [{"typ": "JWT"}, {"alg": "HS256", "kid": 7}])
async def test_headers_without_sense(header: object) -> None:
    token = raw(json.dumps(good()).encode(), header)
    assert await refusal(secret(), token) in (BAD_SIGNATURE, UNREADABLE)


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
async def test_only_hs256_goes_with_a_secret(algorithm: str) -> None:
    token = jwt.encode(good(), SECRET * 2, algorithm)
    assert await refusal(Authenticator(secret=SECRET * 2), token) == BAD_SIGNATURE


async def test_a_public_key_does_not_go_with_a_secret() -> None:
    assert await refusal(secret(), RSA.sign()) == BAD_SIGNATURE
    assert await refusal(secret(), RSA.sign(jwk=RSA.jwk)) == BAD_SIGNATURE


async def test_critical_extensions_are_not_understood() -> None:
    claims = json.dumps(good()).encode()
    for critical in (b'{"crit": ["exp"]', b'{"crit": []', b'{"b64": false, "crit": ["b64"]'):
        token = raw(claims, json.loads(critical + b', "alg": "HS256"}'))
        assert await refusal(secret(), token) == UNREADABLE


def test_one_source_of_keys_and_no_short_secret() -> None:
    for wrong in ({}, {"secret": SECRET, "jwks_url": "http://id.example"}, {"secret": "short"}):
        with pytest.raises(ValueError):
            Authenticator(**wrong)  # type: ignore[arg-type]


# ---------------------------------------------------------------- junk


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "Bearer",
        "Basic YWxpY2U6c2VjcmV0",
        "null",
        "\0",
        "ï.ï.ï",
        "\ud800.\ud800.\ud800",
        " " + hs256(good()),
        hs256(good()) + "\n",
        hs256(good()) + ".x",
        hs256(good()) * 2,
        "A" * 8193,
        hs256(good(name="x" * 8192)),
        f"{segment(b'[' * 5000)}.{segment(good())}.",
        f"{segment([])}.{segment(good())}.",
        f"{segment(bytes([255, 254]))}.{segment(good())}.",
        raw(b"[" * 5000),
        raw(b"[]"),
        raw(b"5"),
        raw(b"\xff\xfe"),
        raw(b'{"sub": "%s", "exp": %s}' % (ALICE.encode(), b"9" * 4400)),
    ],
    # Numbers: a token has the time in it, and is another one in another process.
    ids=count(),
)
async def test_junk_is_refused(token: str) -> None:
    await refusal(secret(), token)


BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
CLAIMS = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("sub", "exp", "nbf", "iat", "aud", "iss", "jti"), JSON)
)
HEADERS = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("kid", "crit", "b64", "typ", "jku"), JSON)
)


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.text()
    | st.text(BASE64URL + ".")
    | st.lists(st.text(BASE64URL), min_size=3, max_size=3).map(".".join)
    | st.tuples(JSON, JSON, st.binary()).map(lambda parts: ".".join(map(segment, parts)))
)
def test_any_text_is_refused(token: str) -> None:
    asyncio.run(refusal(secret(issuer="us", audience="chat"), token))


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(CLAIMS, HEADERS)
def test_any_signed_claims_are_judged(claims: dict[str, Any], header: dict[str, Any]) -> None:
    token = raw(json.dumps(claims).encode(), header | {"alg": "HS256"})
    for authenticator in (secret(), secret(issuer="us", audience="chat")):
        asyncio.run(refusal(authenticator, token))


# ---------------------------------------------------------------- what is remembered


async def test_a_remembered_token_still_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    authenticator = secret()
    expires = int(time.time()) + 5
    token = hs256(good(exp=expires))
    await authenticator.session(token)
    monkeypatch.setattr(auth, "time", lambda: float(expires))
    assert await refusal(authenticator, token) == EXPIRED


async def test_a_refused_token_is_not_remembered() -> None:
    authenticator = secret()
    await refusal(authenticator, hs256(good(exp=1)))
    assert len(authenticator._verified) == 0


# ---------------------------------------------------------------- where a token is found


@pytest.mark.parametrize(
    ("value", "token"),
    [
        (None, None),
        ("", None),
        ("  ", None),
        ("Bearer", None),
        ("Bearer   ", None),
        ("a.b.c", "a.b.c"),
        ("Bearer a.b.c", "a.b.c"),
        ("bearer a.b.c", "a.b.c"),
        ("BEARER\ta.b.c ", "a.b.c"),
        ("Bearer  a.b.c", "a.b.c"),
        ("Bearer a b", "a b"),
        ("Bearer Bearer", "Bearer"),
        ("bearer.b.c", "bearer.b.c"),
        ("x bearer a", "x bearer a"),
        ("Basic YTpi", "Basic YTpi"),
    ],
)
def test_bearer(value: str | None, token: str | None) -> None:
    assert bearer(value) == token


@pytest.mark.parametrize(
    ("payload", "token"),
    [
        ({}, None),
        ({"authorization": "a.b.c"}, "a.b.c"),
        ({"Authorization": "Bearer a.b.c"}, "a.b.c"),
        ({"AUTHORIZATION": "bearer a.b.c", "x": 1}, "a.b.c"),
        ({"Authorization": None}, None),
        ({"Authorization": ["a.b.c"]}, None),
        ({"Authorization": None, "authorization": "a.b.c"}, "a.b.c"),
        ({"headers": {"authorization": "a.b.c"}}, None),
    ],
)
def test_token_in(payload: dict[str, object], token: str | None) -> None:
    assert token_in(payload) == token
