"""How settings are read: each is a variable of the environment."""

from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "BACKCHANNEL_"


def variable(name: str) -> str:
    """The environment variable of the field ``name``."""
    return PREFIX + name.upper()


class Section(BaseSettings):
    """Settings that are read from the environment, all of them at once."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        str_strip_whitespace=True,
        # A default can be wrong beside another setting.
        validate_default=True,
        # The text of a ValidationError must be safe to print: values are often passwords.
        hide_input_in_errors=True,
    )
