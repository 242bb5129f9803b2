"""An S3 as a child process."""

from pathlib import Path

from server.embedded.processes import Processes
from server.embedded.programs import Program


class EmbeddedS3(Program):
    """What answers as S3 does; its objects survive a restart. It checks no signature."""

    bucket = "backchannel"
    region = "us-east-1"
    access_key_id = "embedded"
    secret_access_key = "embedded"  # noqa: S105 - nobody checks it

    def __init__(self, folder: Path, processes: Processes) -> None:
        """Nothing is started yet."""
        super().__init__("s3", "S3", "server.embedded.s3_program", folder, processes)

    @property
    def url(self) -> str:
        """Where it is, to be addressed with the bucket in the path; the same after a restart."""
        return f"http://127.0.0.1:{self.port}"
