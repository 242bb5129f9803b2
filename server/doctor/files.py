"""S3: whether the bucket is there, lets us in and lets us do what we do."""

from collections.abc import Iterator
from contextlib import contextmanager

from server.doctor.report import Report
from server.probes import UnfitError, explain
from server.section import variable
from server.services import object_store_config
from server.settings import Settings
from storage.errors import Refusal
from storage.objects import FILES, FORMS, ObjectStore, new_key


async def check_files(settings: Settings, report: Report) -> None:
    """Whether the bucket answers what we sign, and whether clients will reach it safely."""
    async with ObjectStore.open(object_store_config(settings)) as store:
        await store.ping()
        await _try_out(store)
    report.fine("the bucket answers, and takes, copies, gives and removes a file")
    if (settings.s3_public_url or settings.s3_endpoint_url or "").startswith("http://"):
        report.warn(f"clients get links without TLS ({variable('s3_public_url')})")


async def _try_out(store: ObjectStore) -> None:
    """What is done with every file, with one of our own."""
    source, target = new_key(FORMS), new_key(FILES)
    with _told("storing a file"):
        await store.put(source, b"a trial")
    try:
        with _told("copying a file"):
            await store.copy(source, target)
        with _told("reading a file"):
            await store.first_bytes(target, 1)
    finally:
        with _told("removing a file"):
            gone = await store.delete([source, target])
    if len(gone) < 2:
        raise UnfitError("does not let us remove a file")


@contextmanager
def _told(action: str) -> Iterator[None]:
    try:
        yield
    except Refusal as refusal:
        raise UnfitError(f"{explain(refusal)}, for {action}") from refusal
