"""The command line. What a command needs it imports itself, so that --help comes at once."""

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeVar

import typer

if TYPE_CHECKING:
    from pydantic_settings import BaseSettings

WRONG = 1
"""The exit code when something did not work."""
UNUSABLE = 2
"""The exit code when what we were given cannot be used: settings, arguments, places."""

Section = TypeVar("Section", bound="BaseSettings")

app = typer.Typer(
    help="The chat backend for applications that already have users.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Instead of BACKCHANNEL_HOST.")] = None,
    port: Annotated[
        int | None, typer.Option(help="Instead of BACKCHANNEL_PORT.", min=0, max=65_535)
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Instead of BACKCHANNEL_WORKERS.", min=1)
    ] = None,
) -> None:
    """Serve until SIGTERM or Ctrl-C; the settings come from the environment."""
    _may_be_stopped()
    from server.section import variable
    from server.settings import Settings

    for name, value in {"host": host, "port": port, "workers": workers}.items():
        if value is not None:
            # Where workers look for it too.
            os.environ[variable(name)] = str(value)
    settings = _read(Settings)
    from server.serve import serve

    raise typer.Exit(serve(settings))


@app.command()
def migrate(
    to: Annotated[
        str, typer.Option(help="The revision to go to, forwards or backwards; base is empty.")
    ] = "head",
) -> None:
    """Bring PostgreSQL's schema to what this program needs: all of it or nothing."""
    import psycopg
    from alembic.util import CommandError

    from server.migrate import current, migrate
    from server.postgres_settings import PostgresSettings

    url = _read(PostgresSettings).owner
    try:
        before = current(url)
        migrate(url, to)
        after = current(url)
    except CommandError as error:
        _end(str(error), UNUSABLE)
    except psycopg.Error as error:
        _end(f"PostgreSQL: {str(error).strip().splitlines()[0]}", WRONG)
    typer.echo(
        f"The schema is at {after or 'base'}."
        if before == after
        else f"The schema went from {before or 'base'} to {after or 'base'}."
    )


@app.command()
def sync() -> None:
    """Bring the channels that MongoDB decides about in step with it, and say what was done."""
    import asyncio

    from server.settings import Settings

    settings = _read(Settings)
    from resolvers.reconciling import EmptyDirectory
    from server.sync import sync_once
    from storage.errors import Refusal

    try:
        done = asyncio.run(sync_once(settings))
    except Refusal as refusal:
        _end(refusal.message, WRONG)
    except EmptyDirectory:
        _end("MongoDB has nobody who may sign in; nothing was changed", WRONG)
    for channel in done:
        typer.echo(channel)
    joined, left = sum(each.joined for each in done), sum(each.left for each in done)
    typer.echo(f"{len(done)} channels changed; {joined} joined, {left} left.")


@app.command()
def demo(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.", min=0, max=65_535)] = 8000,
    data_dir: Annotated[Path, typer.Option(help="Where everything is kept.")] = Path(".demo"),
    reset: Annotated[bool, typer.Option("--reset", help="Begin anew.")] = False,
) -> None:
    """Try it: a small company on its own PostgreSQL, MongoDB and S3, all on this machine."""
    _may_be_stopped()
    from server.demo.run import DemoError, run

    try:
        run(host=host, port=port, data_dir=data_dir, reset=reset)
    except DemoError as error:
        _end(str(error), UNUSABLE)


@app.command()
def token(
    user: Annotated[str, typer.Argument(help="The id in the directory: 24 hex digits.")],
    lifetime: Annotated[int, typer.Option(help="Seconds it is good for.", min=1)] = 3600,
) -> None:
    """Print a token for a person, signed with BACKCHANNEL_JWT_SECRET."""
    import re

    from server.auth import issue_token
    from server.section import variable
    from server.token_settings import TokenSettings

    settings = _read(TokenSettings)
    if settings.jwt_secret is None:
        _end(f"{variable('jwt_secret')} is required: the keys of a JWKS are not ours", UNUSABLE)
    if not re.fullmatch("[0-9a-f]{24}", user):
        _end(f"{user!r} is no id of a person: those have 24 hex digits", UNUSABLE)
    typer.echo(
        issue_token(
            user,
            secret=settings.jwt_secret.get_secret_value(),
            issuer=settings.jwt_issuer,
            audience=settings.jwt_audience,
            lifetime=lifetime,
        )
    )


@app.command()
def export_schema() -> None:
    """Print the GraphQL schema."""
    from schema import printed

    typer.echo(printed(), nl=False)


@app.command()
def doctor() -> None:
    """Say in a line each what is wrong with the configuration and the three servers."""
    import asyncio

    from server.settings import Settings

    settings = _read(Settings)
    from server.doctor import diagnose

    findings = asyncio.run(diagnose(settings))
    width = max(len(finding.subject) for finding in findings)
    for finding in findings:
        typer.echo(f"{finding.level:<8} {finding.subject:<{width}}  {finding.line}")
    if not all(finding.ok for finding in findings):
        raise typer.Exit(WRONG)


def _read(section: type[Section]) -> Section:
    """These settings from the environment; or the end, with a line for each that is wrong."""
    from pydantic import ValidationError

    from server.settings import problems

    try:
        return section()
    except ValidationError as error:
        _end("\n".join(problems(error)), UNUSABLE)


def _may_be_stopped() -> None:
    """Make it no failure to be told to stop: before there is anything to stop, and again
    afterwards, when uvicorn raises the signal that it has obeyed.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit())


def _end(why: str, code: int) -> NoReturn:
    typer.echo(why, err=True)
    raise typer.Exit(code)


if __name__ == "__main__":
    app()
