"""Settings about tokens."""

import jwt
from pydantic import Field, SecretStr, ValidationInfo, field_validator

from server.auth import SHORTEST_SECRET
from server.section import Section, variable
from server.setting_types import WebUrl


class TokenSettings(Section):
    """Whose tokens are believed: all that ``token`` needs."""

    jwt_secret: SecretStr | None = Field(
        None,
        description="The secret of HS256 tokens, taken as UTF-8 text, at least 32 bytes. "
        "Either this or the JWKS URL is required, never both.",
    )
    jwt_jwks_url: WebUrl | None = Field(
        None,
        description="Where the public keys of RS256, ES256 or EdDSA tokens are published (JWKS). "
        "Either this or the secret is required, never both.",
    )
    jwt_issuer: str | None = Field(
        None, description="What the claim `iss` must be; by default it is not looked at."
    )
    jwt_audience: str | None = Field(
        None, description="What the claim `aud` must be or contain; by default it is not looked at."
    )
    jwt_leeway: float = Field(
        10,
        ge=0,
        le=300,
        description="Seconds by which the issuer's clock may be ahead of ours (`nbf`, `iat`). "
        "An expired token is never accepted.",
    )

    @field_validator("jwt_secret")
    @classmethod
    def _is_secret(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is None:
            return None
        value = secret.get_secret_value()
        if len(value.encode()) < SHORTEST_SECRET:
            raise ValueError(f"must be at least {SHORTEST_SECRET} bytes long")
        try:
            jwt.get_algorithm_by_name("HS256").prepare_key(value)
        except jwt.PyJWTError:
            raise ValueError(
                f"is a key, not a secret; publish public keys at {variable('jwt_jwks_url')}"
            ) from None
        return secret

    @field_validator("jwt_jwks_url")
    @classmethod
    def _one_source_of_keys(cls, url: str | None, info: ValidationInfo) -> str | None:
        if "jwt_secret" in info.data and (info.data["jwt_secret"] is None) == (url is None):
            either = f"{variable('jwt_secret')} or {variable('jwt_jwks_url')}"
            raise ValueError(f"{either} is required" if url is None else f"{either}, not both")
        return url
