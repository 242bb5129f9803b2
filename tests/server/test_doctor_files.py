"""The doctor about S3: each thing we do with files that the bucket's policy does not allow."""

import pytest

from server.doctor.files import check_files
from server.doctor.report import Report
from server.probes import UnfitError
from tests.between import Between, Moment, copying, peeking
from tests.files import keys_in
from tests.servers import Servers
from tests.world import World


@pytest.mark.parametrize(
    ("denied", "line"),
    [
        (lambda request: request.method == "PUT" and not copying(request), "storing a file"),
        (copying, "copying a file"),
        (peeking, "reading a file"),
    ],
)
async def test_what_is_not_allowed_is_named(
    world: World, servers: Servers, denied: Moment, line: str
) -> None:
    before = await keys_in(world)
    async with Between.us_and(servers.s3_url) as between:
        between.forbid(denied)
        settings = world.settings.model_copy(update={"s3_endpoint_url": between.url})
        with pytest.raises(UnfitError) as error:
            await check_files(settings, Report("S3"))
    assert str(error.value) == (
        f"refuses the credentials, or does not let them use the bucket, for {line}"
    )
    assert await keys_in(world) == before


async def test_files_that_cannot_be_removed_are_no_secret(world: World, servers: Servers) -> None:
    async with Between.us_and(servers.s3_url) as between:
        between.forbid(lambda request: request.method == "DELETE")
        settings = world.settings.model_copy(update={"s3_endpoint_url": between.url})
        with pytest.raises(UnfitError, match="does not let us remove a file"):
            await check_files(settings, Report("S3"))


async def test_a_bucket_that_allows_everything_is_left_as_it_was(world: World) -> None:
    before = await keys_in(world)
    report = Report("S3")
    await check_files(world.settings, report)
    assert report.findings[0].line.startswith("the bucket answers")
    assert await keys_in(world) == before
