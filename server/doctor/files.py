"""S3: whether the bucket is there and lets us in."""

from server.doctor.report import Report
from server.settings import Settings, variable
from storage.objects import ObjectStore, ObjectStoreConfig


async def check_files(settings: Settings, report: Report) -> None:
    """Whether the bucket answers what we sign, and whether clients will reach it safely."""
    secret = settings.s3_secret_access_key
    config = ObjectStoreConfig(
        bucket=settings.s3_bucket,
        region=settings.s3_region,
        endpoint_url=settings.s3_endpoint_url,
        public_url=settings.s3_public_url,
        access_key_id=settings.s3_access_key_id,
        secret_access_key=secret.get_secret_value() if secret else None,
        path_style=settings.s3_path_style,
    )
    async with ObjectStore.open(config) as store:
        await store.ping()
    report.fine("the bucket answers")
    if (settings.s3_public_url or settings.s3_endpoint_url or "").startswith("http://"):
        report.warn(f"clients get links without TLS ({variable('s3_public_url')})")
