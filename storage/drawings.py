"""SVG: drawings that are nothing but drawings.

An SVG is a document like a web page. What is let through is a list, of
elements that draw and of references that stay inside; everything that runs,
moves, listens or fetches is not on it.
"""

import re
from xml.parsers import expat

SVG = "http://www.w3.org/2000/svg"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_DRAWING = _words(
    """
    svg g defs symbol use switch title desc metadata style view
    path rect circle ellipse line polyline polygon image text tspan textPath
    clipPath mask marker pattern linearGradient radialGradient stop filter
    feBlend feColorMatrix feComponentTransfer feComposite feConvolveMatrix feDiffuseLighting
    feDisplacementMap feDistantLight feDropShadow feFlood feFuncA feFuncB feFuncG feFuncR
    feGaussianBlur feImage feMerge feMergeNode feMorphology feOffset fePointLight
    feSpecularLighting feSpotLight feTile feTurbulence
    """
)

# What drawing programs leave for themselves; browsers do nothing with it.
_NOTES = re.compile(
    r"http://www\.inkscape\.org/namespaces/inkscape|http://sodipodi\.sourceforge\.net/DTD/.*"
    r"|http://www\.w3\.org/1999/02/22-rdf-syntax-ns#|http://purl\.org/dc/.*"
    r"|http://creativecommons\.org/ns#|http://web\.resource\.org/cc/"
    r"|http://www\.bohemiancoding\.com/sketch/ns|http://ns\.adobe\.com/.*|https?://.*serif\.com/?"
)

_INSIDE = re.compile(r"\s*(#|data:image/(png|jpeg|gif|webp);base64,)", re.IGNORECASE)
_WORDS = ("aria-", "data-", "id", "class", "lang")
_REFERENCES = frozenset({"href", "src", "base"})
# In CSS: ways to fetch, ways by which it once could run something, and escapes, which hide them.
_FETCH = re.compile(
    r"url\s*\((?!\s*['\"]?\s*#)|@import|image-set|src\s*\(|expression\s*\(|javascript:"
    r"|-moz-binding|behavior\s*:|\\",
    re.IGNORECASE,
)
_COMMENT = re.compile(r"/\*.*?(\*/|$)", re.DOTALL)
_LENGTH = re.compile(r"\s*([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:px)?\s*")
_MAX_DEPTH = 200


class UnfitDrawingError(Exception):
    """It is not a drawing, or more than that; the message says why."""


def size_of(content: bytes) -> tuple[int, int] | None:
    """The drawing's width and height in pixels, None if it fits any. Raises UnfitDrawingError."""
    reader = _Reader()
    try:
        reader.read(content)
    except expat.ExpatError:
        raise UnfitDrawingError("it is not well formed") from None
    return reader.size


class _Reader:
    def __init__(self) -> None:
        self.size: tuple[int, int] | None = None
        self._depth = 0
        self._style: list[str] | None = None

    def read(self, content: bytes) -> None:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartDoctypeDeclHandler = self._doctype
        parser.ProcessingInstructionHandler = self._instruction
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.Parse(content, True)

    def _doctype(self, name: str, system: str | None, public: str | None, inside: bool) -> None:
        # Many programs write one; what it can do to us and others is inside it.
        if inside:
            raise UnfitDrawingError("it has definitions")

    def _instruction(self, target: str, data: str) -> None:
        raise UnfitDrawingError("it has instructions")

    def _start(self, element: str, attributes: dict[str, str]) -> None:
        namespace, _, name = element.rpartition(" ")
        self._depth += 1
        if self._depth > _MAX_DEPTH or self._style is not None:
            raise UnfitDrawingError("it is nested too deeply")
        if self._depth == 1:
            if (namespace, name) != (SVG, "svg"):
                raise UnfitDrawingError("it is something else")
            self.size = _size(attributes)
        if namespace == SVG:
            if name not in _DRAWING:
                raise UnfitDrawingError(f"it has the element {name[:20]}")
        elif not _NOTES.fullmatch(namespace):
            raise UnfitDrawingError("it has elements that are not SVG")
        for attribute, value in attributes.items():
            _check(attribute.lower(), value)
        if name == "style":
            self._style = []

    def _text(self, text: str) -> None:
        if self._style is not None:
            self._style.append(text)

    def _end(self, element: str) -> None:
        self._depth -= 1
        if self._style is not None:
            _check_style("".join(self._style))
            self._style = None


def _check(attribute: str, value: str) -> None:
    namespace, _, name = attribute.rpartition(" ")
    if name.startswith("on"):
        raise UnfitDrawingError("it listens to events")
    if name in _REFERENCES and value.strip() and not _INSIDE.match(value):
        raise UnfitDrawingError("it refers to something outside")
    if not namespace and not name.startswith(_WORDS):
        # Most of these are read as CSS, as the attribute of that name is.
        _check_style(value)


def _check_style(text: str) -> None:
    # With comments, which in a url() are none, and without them.
    for style in (text, _COMMENT.sub("", text)):
        if _FETCH.search(style):
            raise UnfitDrawingError("it refers to something outside")


def _size(attributes: dict[str, str]) -> tuple[int, int] | None:
    sides = [_LENGTH.fullmatch(attributes.get(side, "")) for side in ("width", "height")]
    numbers = [side[1] for side in sides if side]
    if len(numbers) < 2:
        numbers = re.split(r"[\s,]+", attributes.get("viewBox", "").strip())[2:]
    try:
        width, height = (round(float(number)) for number in numbers)
    except (ValueError, OverflowError):
        return None
    return (width, height) if 0 < width < 100_000 and 0 < height < 100_000 else None
