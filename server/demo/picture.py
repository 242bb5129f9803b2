"""The picture in the demo's history: a chart of the load test that is talked about."""

from io import BytesIO
from math import exp, sin

from PIL import Image, ImageDraw, ImageFont

NAME = "apollo-load-test.png"
TYPE = "image/png"
WIDTH, HEIGHT = 960, 540

MINUTES = 30
MOST = 140

_SHARPER = 2
"""Drawn larger and then shrunk, which smooths the lines."""

_INK, _PALE, _PAPER = (33, 37, 41), (206, 212, 218), (255, 255, 255)
_LINE, _FILL, _LIMIT = (66, 99, 235), (219, 228, 255), (224, 49, 49)


def draw() -> bytes:
    """The picture as a PNG; the same bytes each time."""
    image = Image.new("RGB", (WIDTH * _SHARPER, HEIGHT * _SHARPER), _PAPER)
    pen = ImageDraw.Draw(image)
    left, top, right, bottom = (n * _SHARPER for n in (80, 90, WIDTH - 40, HEIGHT - 70))

    def place(minute: float, milliseconds: float) -> tuple[float, float]:
        return (
            left + (right - left) * minute / MINUTES,
            bottom - (bottom - top) * milliseconds / MOST,
        )

    def write(at: tuple[float, float], text: str, size: int, anchor: str) -> None:
        font = ImageFont.load_default(size * _SHARPER)
        pen.text(at, text, fill=_INK, font=font, anchor=anchor)

    curve = [place(step / 10, _latency(step / 10)) for step in range(MINUTES * 10 + 1)]
    pen.polygon([place(0, 0), *curve, place(MINUTES, 0)], fill=_FILL)
    for milliseconds in range(0, MOST + 1, 20):
        pen.line([place(0, milliseconds), place(MINUTES, milliseconds)], fill=_PALE, width=_SHARPER)
        x, y = place(0, milliseconds)
        write((x - 10 * _SHARPER, y), f"{milliseconds}", 14, "rm")
    for minute in range(0, MINUTES + 1, 5):
        x, y = place(minute, 0)
        write((x, y + 10 * _SHARPER), f"{minute} min", 14, "mt")
    pen.line(curve, fill=_LINE, width=3 * _SHARPER, joint="curve")
    for dash in range(0, MINUTES * 2, 2):
        pen.line(
            [place(dash / 2, 120), place(dash / 2 + 0.5, 120)], fill=_LIMIT, width=2 * _SHARPER
        )
    write((left, 30 * _SHARPER), "Apollo: 95th percentile of the slowest page", 24, "lt")
    write((left, 62 * _SHARPER), "milliseconds, staging, 2,000 people at once", 15, "lt")

    stored = BytesIO()
    image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS).save(stored, "PNG", optimize=True)
    return stored.getvalue()


def _latency(minute: float) -> float:
    warming = 55 + 35 * (1 - exp(-minute / 3))
    wobble = 5 * sin(minute * 2.1) + 3 * sin(minute * 5.3 + 1) + 2 * sin(minute * 11)
    backup = 22 * exp(-((minute - 12) ** 2) / 1.2)
    return warming + wobble + backup
