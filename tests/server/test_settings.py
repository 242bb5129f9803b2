import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from server.postgres_settings import PostgresSettings
from server.settings import Settings, problems
from server.settings_table import PAGE, renewed
from server.token_settings import TokenSettings

SECRET = "a secret of the tests, long enough"
REQUIRED = {
    "DATABASE_URL": "postgresql://chat:pg-password@db/chat",
    "MONGO_URL": "mongodb://erp:mongo-password@mongo",
    "MONGO_DATABASE": "erp",
    "S3_BUCKET": "files",
    "JWT_SECRET": SECRET,
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment with what is required and nothing else of ours."""
    for name in os.environ:
        if name.startswith("BACKCHANNEL_"):
            monkeypatch.delenv(name)
    for name, value in REQUIRED.items():
        monkeypatch.setenv(f"BACKCHANNEL_{name}", value)
    return monkeypatch


def refused() -> list[str]:
    with pytest.raises(ValidationError) as refusal:
        Settings()
    assert "password" not in str(refusal.value)
    assert "SECRET-VALUE" not in str(refusal.value)
    lines = problems(refusal.value)
    assert "password" not in str(lines)
    assert "SECRET-VALUE" not in str(lines)
    return lines


def test_what_is_required_is_enough() -> None:
    settings = Settings()
    assert settings.database_url == REQUIRED["DATABASE_URL"]
    assert settings.jwt_secret is not None
    assert settings.jwt_secret.get_secret_value() == SECRET
    assert settings.allowed_origins == ()
    assert not settings.graphiql
    assert not settings.introspection


def test_it_shows_no_password() -> None:
    settings = Settings(s3_access_key_id="id", s3_secret_access_key=SECRET)
    assert "password" not in repr(settings)
    assert SECRET not in repr(settings)


def test_it_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        Settings().port = 1  # type: ignore[misc]


def test_everything_missing_is_said_at_once(environment: pytest.MonkeyPatch) -> None:
    for name in REQUIRED:
        environment.delenv(f"BACKCHANNEL_{name}")
    assert sorted(refused()) == [
        "BACKCHANNEL_DATABASE_URL is required",
        "BACKCHANNEL_JWT_SECRET or BACKCHANNEL_JWT_JWKS_URL is required",
        "BACKCHANNEL_MONGO_DATABASE is required",
        "BACKCHANNEL_MONGO_URL is required",
        "BACKCHANNEL_S3_BUCKET is required",
    ]


def test_an_empty_variable_is_absent(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("BACKCHANNEL_PORT", "")
    environment.setenv("BACKCHANNEL_S3_BUCKET", "")
    assert refused() == ["BACKCHANNEL_S3_BUCKET is required"]


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("DATABASE_URL", "mysql://SECRET-VALUE@db/chat", "must look like postgresql://host…"),
        ("DATABASE_URL", "postgresql://", "must look like postgresql://host…"),
        ("MONGO_URL", "SECRET-VALUE", "must look like mongodb://host…"),
        ("JWT_SECRET", "SECRET-VALUE", "must be at least 32 bytes long"),
        (
            "JWT_SECRET",
            "-----BEGIN PUBLIC KEY-----\nSECRET-VALUE\n-----END PUBLIC KEY-----",
            "is a key, not a secret; publish public keys at BACKCHANNEL_JWT_JWKS_URL",
        ),
        (
            "JWT_SECRET",
            '{"kty": "RSA", "n": "SECRET-VALUE", "e": "AQAB"}',
            "is a key, not a secret; publish public keys at BACKCHANNEL_JWT_JWKS_URL",
        ),
        ("PORT", "99999", "should be less than or equal to 65535"),
        ("PORT", "SECRET-VALUE", "should be a valid integer, unable to parse string as an integer"),
        ("WORKERS", "0", "should be greater than or equal to 1"),
        ("MONGO_TIMEOUT", "nan", "should be a finite number"),
        ("MONGO_TIMEOUT", "0", "should be greater than 0"),
        ("GRAPHIQL", "perhaps", "should be a valid boolean, unable to interpret input"),
        ("LOG_FORMAT", "xml", "should be 'json' or 'console'"),
        ("USERS_COLLECTION", "$cmd", "must be a name MongoDB allows, without $"),
        (
            "USER_NAME_FIELD",
            "profile.name",
            "must be a field of the document itself, without dots",
        ),
        ("DATABASE_POOL_MAX", "1", "is below BACKCHANNEL_DATABASE_POOL_MIN"),
        ("S3_SECRET_ACCESS_KEY", "SECRET-VALUE", "goes together with BACKCHANNEL_S3_ACCESS_KEY_ID"),
        ("S3_BUCKET", "a", "should have at least 3 characters"),
        ("ALLOWED_ORIGINS", "[", "is neither a list with commas nor JSON"),
        (
            "ALLOWED_ORIGINS",
            "https://a.example/chat",
            "each must look like https://app.example.com, or be *",
        ),
        ("ALLOWED_ORIGINS", "a.example", "each must look like https://app.example.com, or be *"),
        (
            "ALLOWED_ORIGINS",
            "https://SECRET-VALUE@a.example",
            "each must look like https://app.example.com, or be *",
        ),
    ],
)
def test_one_line_names_what_is_wrong(
    environment: pytest.MonkeyPatch, name: str, value: str, line: str
) -> None:
    environment.setenv(f"BACKCHANNEL_{name}", value)
    assert refused() == [f"BACKCHANNEL_{name} {line}"]


def test_one_source_of_keys(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("BACKCHANNEL_JWT_JWKS_URL", "https://id.example/jwks")
    assert refused() == ["BACKCHANNEL_JWT_SECRET or BACKCHANNEL_JWT_JWKS_URL, not both"]
    environment.delenv("BACKCHANNEL_JWT_SECRET")
    assert Settings().jwt_jwks_url == "https://id.example/jwks"


def test_the_bucket_is_in_the_path_of_other_servers(environment: pytest.MonkeyPatch) -> None:
    assert not Settings().s3_path_style
    environment.setenv("BACKCHANNEL_S3_ENDPOINT_URL", "http://minio:9000")
    assert Settings().s3_path_style
    environment.setenv("BACKCHANNEL_S3_PATH_STYLE", "false")
    assert not Settings().s3_path_style
    environment.delenv("BACKCHANNEL_S3_PATH_STYLE")
    environment.setenv("BACKCHANNEL_S3_ENDPOINT_URL", "minio:9000")
    assert refused() == ["BACKCHANNEL_S3_ENDPOINT_URL must look like https://host…"]


@pytest.mark.parametrize(
    ("value", "origins"),
    [
        (
            "https://A.example/, http://localhost:3000",
            ("https://a.example", "http://localhost:3000"),
        ),
        ('["https://a.example"]', ("https://a.example",)),
        ("http://[::1]:8000", ("http://[::1]:8000",)),
        ("*", ("*",)),
        (" ", ()),
    ],
)
def test_origins(environment: pytest.MonkeyPatch, value: str, origins: tuple[str, ...]) -> None:
    environment.setenv("BACKCHANNEL_ALLOWED_ORIGINS", value)
    assert Settings().allowed_origins == origins


def test_only_trusted_documents_need_a_file_and_no_page_to_type_others(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environment.setenv("BACKCHANNEL_TRUSTED_DOCUMENTS_ONLY", "true")
    assert refused() == ["BACKCHANNEL_TRUSTED_DOCUMENTS_ONLY needs a file of them"]
    file = tmp_path / "documents.json"
    environment.setenv("BACKCHANNEL_TRUSTED_DOCUMENTS", str(file))
    (line,) = refused()
    assert line.startswith("BACKCHANNEL_TRUSTED_DOCUMENTS cannot be read")
    file.write_text('{"a": "{ __typename }"}')
    assert Settings().trusted_documents_only
    environment.setenv("BACKCHANNEL_GRAPHIQL", "true")
    (line,) = refused()
    assert line.startswith("BACKCHANNEL_GRAPHIQL is of no use with")


def test_commands_ask_for_no_more_than_they_need(environment: pytest.MonkeyPatch) -> None:
    for name in REQUIRED:
        environment.delenv(f"BACKCHANNEL_{name}")
    environment.setenv("BACKCHANNEL_DATABASE_URL", "postgresql:///chat?host=/run/postgresql\n")
    assert PostgresSettings().database_url == "postgresql:///chat?host=/run/postgresql"
    environment.setenv("BACKCHANNEL_JWT_SECRET", SECRET)
    assert TokenSettings().jwt_secret is not None


def test_the_page_is_up_to_date() -> None:
    page = PAGE.read_text("utf-8")
    assert renewed(page) == page, "run scripts/settings-table"


def test_every_setting_is_described() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
