"""Drawings: an SVG is let through when all it does is draw."""

import pytest

from storage.drawings import UnfitDrawingError, size_of
from tests.files import SVG

XLINK = 'xmlns:xlink="http://www.w3.org/1999/xlink"'


def svg(inside: str = "", attributes: str = 'width="40" height="30"') -> bytes:
    """A drawing."""
    return f'<svg xmlns="http://www.w3.org/2000/svg" {attributes}>{inside}</svg>'.encode()


@pytest.mark.parametrize(
    "drawing",
    [
        SVG,
        svg('<path d="M0 0h40v30z" fill="#f00" stroke-width=".5"/>'),
        svg(
            "<defs><linearGradient id='a'/></defs>"
            "<rect fill='url(#a)' style='fill: url( &quot;#a&quot; )'/>"
        ),
        svg("<style>/* a */ .b { fill: red; clip-path: url(#c) }</style><text>on load =</text>"),
        svg(f'<use {XLINK} xlink:href="#a"/><use href="#b"/>'),
        svg('<image href="data:image/png;base64,iVBORw0KGgo="/>'),
        svg('<filter id="f"><feGaussianBlur stdDeviation="2"/></filter>'),
        b'<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n'
        b'<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" '
        b'"http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">\n' + SVG,
        # What Inkscape leaves.
        svg(
            '<sodipodi:namedview xmlns:sodipodi="http://sodipodi.sourceforge.net/DTD/'
            'sodipodi-0.dtd" showgrid="false"/><metadata><rdf:RDF '
            'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
            'xmlns:cc="http://creativecommons.org/ns#"><cc:Work rdf:about=""/></rdf:RDF>'
            "</metadata><g xmlns:inkscape='http://www.inkscape.org/namespaces/inkscape' "
            "inkscape:label='C:\\\\drawings' aria-label='expression'/>"
        ),
        '<?xml version="1.0" encoding="UTF-16"?>'.encode("utf-16")
        + svg().decode().encode("utf-16-le"),
    ],
)
def test_drawings_are_let_through(drawing: bytes) -> None:
    assert size_of(drawing) == (40, 30)


@pytest.mark.parametrize(
    "inside",
    [
        "<script>alert(1)</script>",
        "<script href='data:text/javascript,alert(1)'/>",
        "<g onclick='alert(1)'/>",
        "<g OnClick='alert(1)'/>",
        "<foreignObject><body xmlns='http://www.w3.org/1999/xhtml'/></foreignObject>",
        "<html xmlns='http://www.w3.org/1999/xhtml'><script>alert(1)</script></html>",
        "<x:script xmlns:x='http://www.w3.org/1999/xhtml'>alert(1)</x:script>",
        "<x:script xmlns:x='http://www.w3.org/2000/svg'>alert(1)</x:script>",
        "<a href='#b'><text>click</text></a>",
        "<animate attributeName='href' to='javascript:alert(1)'/>",
        "<set attributeName='onclick' to='alert(1)'/>",
        "<handler type='text/javascript'/>",
        "<ev:listener xmlns:ev='http://www.w3.org/2001/xml-events' event='load'/>",
        "<image href='https://example.com/tracker.png'/>",
        "<image href='//example.com/tracker.png'/>",
        "<image href='data:image/svg+xml;base64,PHN2Zz4='/>",
        f"<use {XLINK} xlink:href='https://example.com/a.svg#b'/>",
        f"<use {XLINK} xlink:href=' &#10;javascript:alert(1)'/>",
        "<rect fill='url(https://example.com/a)'/>",
        "<rect fill='url( &quot;//example.com/a&quot;)'/>",
        "<rect fill='u\\72l(https://example.com/a)'/>",
        "<style>.a { fill: url(/*a*/#b) }</style>",
        "<rect style='background: url(https://example.com/a)'/>",
        "<rect style='fill: u\\72l(https://example.com/a)'/>",
        "<style>@import 'https://example.com/a.css';</style>",
        "<style>@im/**/port 'a'; .a { fill: url(/**/https://example.com) }</style>",
        "<style>.a { behavior: url(#x) }</style>",
        "<style><![CDATA[ @import 'https://example.com/a.css'; ]]></style>",
        "<style>.a { fill: <g/> url(https://example.com) }</style>",
        "<g xml:base='https://example.com/'/>",
        "<iframe src='https://example.com'/>",
        "<unheard-of/>",
        "<?xml-stylesheet href='https://example.com/a.css'?>",
        "<g>" * 300 + "</g>" * 300,
    ],
)
def test_what_does_more_than_draw_is_refused(inside: str) -> None:
    with pytest.raises(UnfitDrawingError):
        size_of(svg(inside))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<svg",
        b"<svg/>",  # of no namespace: an element of HTML, for all we know
        b"<html xmlns='http://www.w3.org/1999/xhtml'/>",
        b"<?xml-stylesheet href='https://example.com/a.css'?>" + SVG,
        b"<!DOCTYPE svg [<!ENTITY a 'b'>]>" + SVG,
        b"<!DOCTYPE svg [<!ENTITY % a SYSTEM 'file:///etc/passwd'> %a;]>" + SVG,
        SVG + b"<script/>",
        SVG.replace(b"red", b"\xff"),
        svg(attributes="onload='alert(1)'"),
        svg("&undefined;"),
        b"\x1f\x8b\x08\0 a compressed one",
    ],
)
def test_what_is_no_drawing_at_all_is_refused(content: bytes) -> None:
    with pytest.raises(UnfitDrawingError):
        size_of(content)


@pytest.mark.parametrize(
    ("attributes", "size"),
    [
        ('width="40" height="30"', (40, 30)),
        ('width="40.4px" height=" 29.6px "', (40, 30)),
        ('width="100%" height="100%" viewBox="0 0 24 48"', (24, 48)),
        ('viewBox="-10,-10,24.5,48"', (24, 48)),
        ('width="10cm"', None),
        ('width="0" height="30"', None),
        ('width="1e9" height="30" viewBox="0 0 1e999 1"', None),
        ('viewBox="0 0 nan nan"', None),
        ("", None),
    ],
)
def test_a_drawing_has_a_size_where_it_says_so_in_pixels(
    attributes: str, size: tuple[int, int] | None
) -> None:
    assert size_of(svg(attributes=attributes)) == size
