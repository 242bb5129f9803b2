"""Tokens: whether the keys that sign them can be had."""

from server import keyset
from server.doctor.report import Report
from server.section import variable
from server.settings import Settings


async def check_tokens(settings: Settings, report: Report) -> None:
    """Whether there is a key by which a token can be believed."""
    if settings.jwt_jwks_url is None:
        report.fine("are signed with a secret (HS256)")
        return
    if not settings.jwt_jwks_url.startswith("https://"):
        report.warn(f"{variable('jwt_jwks_url')} is not https: keys can be exchanged on the way")
    if settings.jwt_audience is None:
        report.warn(
            f"{variable('jwt_audience')} is not set: tokens for other programs are good too"
        )
    keys = await keyset.fetch(settings.jwt_jwks_url)
    if keys:
        algorithms = sorted({key.algorithm_name for key in keys})
        report.fine(f"keys are published ({', '.join(algorithms)})")
    else:
        report.wrong(
            f"no key that can be used is published: {', '.join(sorted(keyset.ALGORITHMS))}"
        )
