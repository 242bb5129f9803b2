"""Who is asking: from a token to a user id.

A token is a JWT (RFC 7519). What it may be signed with is settled by the
configuration and the published keys, never by the token. Refusals say what is
wrong in fixed words: nothing of a token is ever repeated, in an answer or a log.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from time import time
from typing import Any, Final

import jwt
from cachetools import TTLCache

from server.keyset import KeySet
from storage.errors import unauthenticated

SHORTEST_SECRET: Final = 32
"""Bytes: HS256 with a shorter key can be guessed offline from a single token (RFC 7518, 3.2)."""
LONGEST_TOKEN: Final = 8192
"""Characters. Larger ones are refused unread."""
REMEMBERED: Final = 30.0
"""Seconds a verified token is not verified again; a public-key signature costs 0.1 to 0.2 ms."""
LATEST: Final = 253_402_300_799
"""The last second of the year 9999; later times are beyond what clocks and calendars can hold."""

_USER_ID = re.compile(r"[0-9a-fA-F]{24}")
_BEARER = re.compile(r"^bearer(?:\s+|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Session:
    """A token that was verified: whose it is and until when."""

    user_id: str
    """24 hex digits, lower case. Whether such a person exists is another question."""
    expires_at: float
    """Unix seconds; from this moment on the token is refused."""


class Authenticator:
    """Verifies tokens, of one issuer.

    Give either the secret of HS256 tokens (32 bytes or more) or the address of a JWKS.
    An issuer or audience, where given, must be in the token; otherwise the claim is ignored.
    ``leeway``, in seconds, is how far the issuer's clock may be ahead of ours.
    """

    def __init__(
        self,
        *,
        secret: str | None = None,
        jwks_url: str | None = None,
        issuer: str | None = None,
        audience: str | None = None,
        leeway: float = 0,
    ) -> None:
        if (secret is None) == (jwks_url is None):
            raise ValueError("Give either a secret or the address of a JWKS.")
        if secret is not None and len(secret.encode()) < SHORTEST_SECRET:
            raise ValueError(f"The secret is shorter than {SHORTEST_SECRET} bytes.")
        self._secret = secret
        self._keys = KeySet(jwks_url) if jwks_url is not None else None
        self._issuer = issuer
        self._audience = audience
        self._leeway = leeway
        self._verified: TTLCache[bytes, Session] = TTLCache(maxsize=10_000, ttl=REMEMBERED)

    async def session(self, token: str) -> Session:
        """Whose token this is.

        Refuses with UNAUTHENTICATED, or with UNAVAILABLE (``jwks``) while the keys cannot be had.
        """
        if len(token) > LONGEST_TOKEN or not token.isascii():
            raise unauthenticated("The token cannot be read.")
        digest = sha256(token.encode()).digest()
        session = self._verified.get(digest)
        if session is None:
            session = self._verified[digest] = _session(await self._claims(token))
        elif session.expires_at <= time():
            raise unauthenticated("The token has expired.")
        return session

    async def _claims(self, token: str) -> dict[str, Any]:
        """The claims of a token whose signature, issuer, audience and start were verified."""
        try:
            if self._secret is not None:
                return self._decode(token, self._secret, "HS256")
            header = jwt.get_unverified_header(token)
            algorithm, key_id = header.get("alg"), header.get("kid")
            assert self._keys is not None
            key = await self._keys.find(str(algorithm), key_id)
            if key is None:
                raise jwt.InvalidSignatureError
            return self._decode(token, key, key.algorithm_name)
        except jwt.ImmatureSignatureError:
            raise unauthenticated("The token is not valid yet.") from None
        except jwt.InvalidIssuerError:
            raise unauthenticated("The token is from another issuer.") from None
        except jwt.InvalidAudienceError:
            raise unauthenticated("The token is for another audience.") from None
        except jwt.MissingRequiredClaimError as error:
            raise unauthenticated(f"The token lacks the claim {error.claim}.") from None
        except (jwt.InvalidSignatureError, jwt.InvalidAlgorithmError, jwt.InvalidKeyError):
            raise unauthenticated("The token's signature is not valid.") from None
        except jwt.PyJWTError:
            raise unauthenticated("The token cannot be read.") from None

    def _decode(self, token: str, key: jwt.PyJWK | str, algorithm: str) -> dict[str, Any]:
        return jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            issuer=self._issuer,
            audience=self._audience,
            leeway=self._leeway,
            options={
                "require": ["exp", "sub"],
                "verify_exp": False,  # below: leeway must not lengthen a token's life
                "verify_aud": self._audience is not None,  # PyJWT refuses any it was not told of
                "verify_sub": False,  # below: more is asked of it
                "verify_jti": False,  # not ours to read
                "enforce_minimum_key_length": True,
            },
        )


def _session(claims: Mapping[str, Any]) -> Session:
    for name in ("iat", "nbf", "exp"):
        if not _is_time(claims.get(name, 0)):
            raise unauthenticated(f"The token's claim {name} is not a time.")
    if claims["exp"] <= time():
        raise unauthenticated("The token has expired.")
    subject = claims["sub"]
    if not isinstance(subject, str) or not _USER_ID.fullmatch(subject):
        raise unauthenticated("The token's claim sub is not a user id.")
    return Session(user_id=subject.lower(), expires_at=float(claims["exp"]))


def _is_time(value: object) -> bool:
    # bool is an int; PyJWT would also take the number out of a string.
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return -LATEST <= value <= LATEST  # False for NaN


def bearer(value: str | None) -> str | None:
    """The token of an ``Authorization`` header, with or without ``Bearer``; None without one."""
    if value is None:
        return None
    return _BEARER.sub("", value.strip(), count=1).strip() or None


def token_in(payload: Mapping[str, object]) -> str | None:
    """The token in the payload of ``connection_init``: its key ``authorization``, in any case."""
    for key, value in payload.items():
        if key.lower() == "authorization" and isinstance(value, str):
            return bearer(value)
    return None


def issue_token(
    user_id: str,
    *,
    secret: str,
    issuer: str | None = None,
    audience: str | None = None,
    lifetime: float,
) -> str:
    """A token (HS256) for this person, good from now for ``lifetime`` seconds."""
    now = time()
    claims: dict[str, Any] = {"sub": user_id, "iat": int(now), "exp": math.ceil(now + lifetime)}
    if issuer is not None:
        claims["iss"] = issuer
    if audience is not None:
        claims["aud"] = audience
    return jwt.encode(claims, secret, algorithm="HS256")
