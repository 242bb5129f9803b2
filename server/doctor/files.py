"""S3: whether the bucket is there and lets us in."""

from server.doctor.report import Report
from server.services import object_store_config
from server.settings import Settings, variable
from storage.objects import ObjectStore


async def check_files(settings: Settings, report: Report) -> None:
    """Whether the bucket answers what we sign, and whether clients will reach it safely."""
    async with ObjectStore.open(object_store_config(settings)) as store:
        await store.ping()
    report.fine("the bucket answers")
    if (settings.s3_public_url or settings.s3_endpoint_url or "").startswith("http://"):
        report.warn(f"clients get links without TLS ({variable('s3_public_url')})")
