"""Kinds of files: what they are called, how their names end, what a browser may do with them."""

import re
from dataclasses import dataclass
from enum import StrEnum

SVG = "image/svg+xml"


class FileKind(StrEnum):
    """What a file is to the one who gets it; each has a limit of its own."""

    IMAGE = "image"
    SOUND = "sound"
    VIDEO = "video"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class FileType:
    """A type we know well enough to tell whether a file is of it."""

    name: str
    kind: FileKind
    endings: tuple[str, ...]

    @property
    def is_text(self) -> bool:
        """Whether it has no form of its own, but for being text."""
        return self.name.startswith("text/") or self.name == "application/json"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _types(kind: FileKind, table: str) -> list[FileType]:
    rows = (line.split() for line in table.strip().splitlines())
    return [FileType(name, kind, tuple(endings)) for name, *endings in rows]


# Of two types with the same ending, the first is the one meant by it.
_KNOWN = [
    *_types(
        FileKind.IMAGE,
        """
        image/jpeg      jpg jpeg jpe jfif
        image/png       png
        image/gif       gif
        image/webp      webp
        image/avif      avif
        image/svg+xml   svg
        """,
    ),
    *_types(
        FileKind.VIDEO,
        """
        video/mp4       mp4 m4v
        video/webm      webm
        video/quicktime mov qt
        video/ogg       ogv
        video/3gpp      3gp
        """,
    ),
    *_types(
        FileKind.SOUND,
        """
        audio/mpeg      mp3
        audio/mp4       m4a mp4
        audio/aac       aac
        audio/ogg       ogg oga opus
        audio/wav       wav
        audio/flac      flac
        audio/webm      weba webm
        """,
    ),
    *_types(
        FileKind.FILE,
        """
        application/pdf pdf
        application/rtf rtf
        application/vnd.openxmlformats-officedocument.wordprocessingml.document   docx
        application/vnd.openxmlformats-officedocument.spreadsheetml.sheet         xlsx
        application/vnd.openxmlformats-officedocument.presentationml.presentation pptx
        application/vnd.oasis.opendocument.text         odt
        application/vnd.oasis.opendocument.spreadsheet  ods
        application/vnd.oasis.opendocument.presentation odp
        application/msword            doc
        application/vnd.ms-excel      xls
        application/vnd.ms-powerpoint ppt
        application/epub+zip          epub
        application/zip               zip
        application/gzip              gz tgz
        application/x-7z-compressed   7z
        application/x-tar             tar
        text/plain      txt text log
        text/csv        csv
        text/tab-separated-values     tsv
        text/markdown   md markdown
        text/calendar   ics
        text/vcard      vcf
        application/json              json
        """,
    ),
]

KNOWN = {type.name: type for type in _KNOWN}
"""Every type we know, by name."""

_BY_ENDING: dict[str, list[FileType]] = {}
for _type in _KNOWN:
    for _ending in _type.endings:
        _BY_ENDING.setdefault(_ending, []).append(_type)

_ALIASES = {
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/x-png": "image/png",
    "audio/mp3": "audio/mpeg",
    "audio/x-m4a": "audio/mp4",
    "audio/m4a": "audio/mp4",
    "audio/x-aac": "audio/aac",
    "audio/opus": "audio/ogg",
    "audio/wave": "audio/wav",
    "audio/x-wav": "audio/wav",
    "audio/vnd.wave": "audio/wav",
    "audio/x-flac": "audio/flac",
    "video/x-m4v": "video/mp4",
    "application/x-pdf": "application/pdf",
    "text/rtf": "application/rtf",
    "application/x-zip-compressed": "application/zip",
    "application/x-zip": "application/zip",
    "application/x-gzip": "application/gzip",
    "application/x-compressed-tar": "application/gzip",
    "text/x-markdown": "text/markdown",
    "text/x-vcard": "text/vcard",
    "text/json": "application/json",
    "application/csv": "text/csv",
    "text/x-log": "text/plain",
}
"""What browsers and systems say besides."""

_UNNAMED = frozenset({"", "application/octet-stream", "binary/octet-stream"})

RUNNABLE = _words(
    """
    text/html application/xhtml+xml text/xml application/xml text/xsl application/xslt+xml
    text/javascript application/javascript application/ecmascript text/ecmascript
    text/css text/cache-manifest multipart/related message/rfc822
    application/x-shockwave-flash application/java-archive application/x-msdownload
    application/hta
    """
)
"""What browsers or computers run, so that no setting may allow it."""

RUNNABLE_ENDINGS = _words(
    """
    htm html xht xhtml shtml mht mhtml xml xsl xslt svgz swf js jse mjs cjs css hta htc
    ade adp apk app appref-ms application appx appxbundle bat cab chm class cmd com command cpl
    crx deb desktop diagcab dll dmg exe ex_ gadget hlp inf ins iso isp jar jnlp ksh lib lnk
    mde msc msh msi msix msixbundle msp mst nsh pif pkg ps1 ps1xml ps2 psc1 psd1 psm1 reg rpm
    scf scr sct settingcontent-ms sh shb shs sys terminal theme tool url vb vbe vbs vhd vhdx
    vxd webloc website workflow ws wsc wsf wsh xbap xll xnk xpi
    """
)
"""How the names of files end that are run by the one who opens them."""

_NAME = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*")
MAX_NAME = 100


def named(name: str) -> str:
    """The type in the one form we use: lower case, without parameters, by its usual name."""
    name = name.partition(";")[0].strip().lower()
    return _ALIASES.get(name, name)


def is_name(name: str) -> bool:
    """Whether this can be the name of a type."""
    return len(name) <= MAX_NAME and _NAME.fullmatch(name) is not None


def ending(file_name: str) -> str:
    """What follows the last dot, in lower case."""
    return file_name.rpartition(".")[2].lower() if "." in file_name else ""


def meant(name: str, file_name: str) -> str:
    """The type a browser means: where its system knows none, the file's name tells."""
    name = named(name)
    by_ending = _BY_ENDING.get(ending(file_name), [])
    if by_ending and name in _UNNAMED:
        return by_ending[0].name
    if name == "application/vnd.ms-excel" and ending(file_name) == "csv":
        return "text/csv"  # Windows, once Excel is installed
    return name


def kind(name: str) -> FileKind:
    """What a file of this type is to the one who gets it."""
    if name in KNOWN:
        return KNOWN[name].kind
    family = name.partition("/")[0]
    kinds = {"image": FileKind.IMAGE, "audio": FileKind.SOUND, "video": FileKind.VIDEO}
    return kinds.get(family, FileKind.FILE)


def contradicts(name: str, file_name: str) -> bool:
    """Whether the file's name promises another type than this one."""
    promised = _BY_ENDING.get(ending(file_name), [])
    if not promised or any(type.name == name for type in promised):
        return False
    known = KNOWN.get(name)
    return not (known and known.is_text and promised[0].is_text)


def is_inline(name: str) -> bool:
    """Whether a browser may show or play it in place: it can run nothing in it."""
    return name in KNOWN and KNOWN[name].kind is not FileKind.FILE and name != SVG


def is_picture(name: str) -> bool:
    """Whether we look inside for its width and height."""
    return name in KNOWN and KNOWN[name].kind is FileKind.IMAGE
