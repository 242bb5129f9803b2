"""What is wrong with the configuration and the servers, a line each.

Nothing is changed anywhere: PostgreSQL gets one NOTIFY on a channel of the
doctor's own, the rest is read.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from server.doctor.configuration import check_configuration
from server.doctor.directory import check_directory
from server.doctor.documents import check_documents
from server.doctor.files import check_files
from server.doctor.logins import check_background, check_owner
from server.doctor.postgres import check_listen, check_postgres, listens_at
from server.doctor.report import Finding, Report
from server.doctor.tokens import check_tokens
from server.probes import UnfitError, explain
from server.section import variable
from server.settings import Settings

__all__ = ["Finding", "diagnose"]

LIMIT: Final = 5.0
"""Seconds for each subject."""

Look = Callable[[Settings, Report], Awaitable[None]]


async def diagnose(settings: Settings) -> list[Finding]:
    """Look at everything, all at the same time; takes five seconds at most.

    Every subject gets at least one line. None holds a secret or a traceback.
    """
    bucket = "s3_endpoint_url" if settings.s3_endpoint_url else "s3_bucket"
    logins = []
    if settings.background_url:
        logins.append(_look("Background", check_background, settings, "background_url"))
    if settings.owner_url:
        logins.append(_look("Owner", check_owner, settings, "owner_url"))
    findings = await asyncio.gather(
        _look("Configuration", check_configuration, settings),
        _look("PostgreSQL", check_postgres, settings, "database_url"),
        *logins,
        _look("LISTEN", check_listen, settings, listens_at(settings)),
        _look("MongoDB", check_directory, settings, "mongo_url"),
        _look("S3", check_files, settings, bucket),
        _look("Documents", check_documents, settings, "trusted_documents"),
        _look("Tokens", check_tokens, settings, "jwt_jwks_url"),
    )
    return [finding for each in findings for finding in each]


async def _look(
    subject: str, look: Look, settings: Settings, address: str | None = None
) -> list[Finding]:
    report = Report(subject)
    try:
        async with asyncio.timeout(LIMIT):
            await look(settings, report)
    except UnfitError as error:
        report.wrong(str(error))
    except Exception as error:
        # Whatever it is, it is what is wrong with this subject.
        report.wrong(f"{explain(error)} ({variable(address)})" if address else explain(error))
    return report.findings
