"""The program behind EmbeddedS3: moto's S3, with its objects kept in files.

moto has everything in memory. After each request that may have changed
something, what is new goes into a file and what is gone loses its file, before
the answer is sent: an acknowledged object survives even a kill.
"""

import hashlib
import json
import signal
import sys
import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.moto_server.werkzeug_app import MotoRequestHandler, create_backend_app
from moto.s3.models import FakeKey, S3Backend, s3_backends
from werkzeug.serving import make_server

from server.embedded import launch

BUCKET = "backchannel"
REGION = "us-east-1"

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


class Shelf:
    """The objects of an S3 backend, each in a file: one line of JSON, then the content."""

    def __init__(self, folder: Path, backend: S3Backend) -> None:
        self._folder = folder
        self._backend = backend
        self._kept: dict[Path, FakeKey] = {}
        self._turn = threading.Lock()

    def load(self) -> None:
        """Put everything kept into the backend."""
        for file in sorted(self._folder.glob("*.object")):
            line, _, content = file.read_bytes().partition(b"\n")
            about = json.loads(line)
            if about["bucket"] not in self._backend.buckets:
                self._backend.create_bucket(about["bucket"], REGION)
            stored = self._backend.put_object(about["bucket"], about["key"], content)
            stored.set_metadata(about["metadata"], replace=True)
            stored.last_modified = datetime.fromisoformat(about["modified"])
            self._kept[file] = stored

    def keep(self) -> None:
        """Make the files what the backend is."""
        with self._turn:
            now = {
                self._file(bucket.name, stored.name): stored
                for bucket in self._backend.buckets.values()
                for stored in bucket.keys.values()
            }
            for file, stored in now.items():
                if self._kept.get(file) is not stored:
                    self._write(file, stored)
            for file in self._kept.keys() - now.keys():
                file.unlink()
            self._kept = now

    def _file(self, bucket: str, key: str) -> Path:
        # A key can be longer than a file name, and hold anything.
        name = hashlib.sha256(f"{bucket}/{key}".encode()).hexdigest()
        return self._folder / f"{name}.object"

    def _write(self, file: Path, stored: FakeKey) -> None:
        about = {
            "bucket": stored.bucket_name,
            "key": stored.name,
            "metadata": dict(stored.metadata),
            "modified": stored.last_modified.isoformat(),
        }
        unfinished = file.with_suffix(".unfinished")
        unfinished.write_bytes(json.dumps(about).encode() + b"\n" + stored.value)
        unfinished.rename(file)


def keeping(application: Application, shelf: Shelf) -> Application:
    """The same application; what it changes is on the shelf before it answers."""

    def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        body = application(environ, start_response)
        if environ["REQUEST_METHOD"] not in {"GET", "HEAD", "OPTIONS"}:
            shelf.keep()
        return body

    return answer


def main() -> None:
    """Serve until SIGTERM."""
    given = launch.arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    backend = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
    shelf = Shelf(given.folder, backend)
    shelf.load()
    if BUCKET not in backend.buckets:
        backend.create_bucket(BUCKET, REGION)
    # Only S3, not all of AWS: half the time to start, and nothing is taken for another service.
    application = keeping(create_backend_app("s3"), shelf)
    server = make_server(
        "127.0.0.1", given.port, application, threaded=True, request_handler=MotoRequestHandler
    )
    launch.tell(given.ready, server.port)
    server.serve_forever()


if __name__ == "__main__":
    main()
