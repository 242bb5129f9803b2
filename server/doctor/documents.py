"""Trusted documents: whether each of them can be run here."""

import asyncio
from collections.abc import Iterator
from itertools import islice

from schema import graphql_schema
from schema.documents import Documents, Invalid
from server.doctor.report import Report
from server.manifests import read_manifest
from server.section import variable
from server.settings import Settings
from storage.errors import Refusal

MOST_LOOKED_AT = 200
"""What can be understood in the time there is for it."""
MOST_LINES = 5
LONGEST_ID = 80


async def check_documents(settings: Settings, report: Report) -> None:
    """A frontend that was built for another release of ours shows here and not at its users'."""
    if settings.trusted_documents is None:
        report.fine("none are trusted more than others")
        return
    known = read_manifest(settings.trusted_documents)
    texts = dict(islice(known.items(), MOST_LOOKED_AT))
    documents = Documents(graphql_schema(), introspection=settings.introspection)
    for line in await asyncio.to_thread(lambda: list(islice(_wrong(documents, texts), MOST_LINES))):
        report.wrong(f"{line} ({variable('trusted_documents')})")
    if not report.findings:
        looked_at = "all" if texts == known else f"the first {len(texts)}"
        report.fine(f"{len(known):,} are trusted, and {looked_at} of them can be run")


def _wrong(documents: Documents, texts: dict[str, str]) -> Iterator[str]:
    for id, text in texts.items():
        try:
            documents.get(text)
        except Invalid as invalid:
            yield f"{id[:LONGEST_ID]} cannot be run: {invalid.errors[0].message}"
        except Refusal as refusal:
            yield f"{id[:LONGEST_ID]} cannot be run: {refusal.message}"
