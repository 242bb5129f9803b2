"""A MongoDB as a child process."""

from pathlib import Path

from server.embedded.processes import Processes
from server.embedded.programs import Program


class EmbeddedMongo(Program):
    """What speaks MongoDB's wire protocol and answers as it does, without a password."""

    database = "erp"

    def __init__(self, folder: Path, processes: Processes) -> None:
        """Nothing is started yet."""
        super().__init__("mongo", "MongoDB", "server.embedded.mongo_program", folder, processes)

    @property
    def url(self) -> str:
        """Where it is; the same after a restart."""
        return f"mongodb://127.0.0.1:{self.port}"
