"""The files of the GraphiQL page, each named after its content."""

import gzip
import hashlib
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import PurePath

FOLDER = files("web") / "graphiql"

MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True)
class Asset:
    """One file. A name stands for one content for ever, so browsers may keep it for ever."""

    source: str
    body: bytes

    @cached_property
    def name(self) -> str:
        """The name it is served under, e.g. start-3f9a0c2b71de.js."""
        path = PurePath(self.source)
        return f"{path.stem}-{hashlib.sha256(self.body).hexdigest()[:12]}{path.suffix}"

    @cached_property
    def media_type(self) -> str:
        """What it is, by the end of its name."""
        return MEDIA_TYPES[PurePath(self.source).suffix]

    @cached_property
    def gzipped(self) -> bytes:
        """Packed once a process, when first asked for: 40 ms for the largest file."""
        return gzip.compress(self.body, compresslevel=6, mtime=0)


def load_assets() -> list[Asset]:
    """Our own files of the page and the vendored ones."""
    return [
        Asset(file.name, file.read_bytes())
        for folder in (FOLDER, FOLDER / "vendor")
        for file in folder.iterdir()
        if PurePath(file.name).suffix in MEDIA_TYPES
    ]


def load_page(assets: list[Asset]) -> str:
    """The page, each asset it mentions under the name that asset is served under."""
    page = (FOLDER / "index.html").read_text("utf-8")
    for asset in assets:
        page = page.replace(f'assets/{asset.source}"', f'assets/{asset.name}"')
    return page


def load_operation(name: str) -> str:
    """The text of web/graphiql/operations/NAME.graphql; its one operation has the same name."""
    return (FOLDER / "operations" / f"{name}.graphql").read_text("utf-8")
