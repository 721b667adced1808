"""Draws the subset of SVG 1.1 that the themes' icons use: circles, and paths without arcs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from lxml import etree
from PIL import Image, ImageColor, ImageDraw

Point = tuple[float, float]

_OVERSAMPLING = 4  # draw at four times the size, then reduce: this smooths the edges
_SEGMENTS_PER_CURVE = 24
_TOKEN = re.compile(r"[A-Za-z]|-?(?:\d+\.?\d*|\.\d+)")
_NUMBERS = {"M": 2, "L": 2, "H": 1, "V": 1, "Q": 4, "T": 2, "Z": 0}


def drawn(svg: Path, pixels: int, *, share: float = 1.0, ground: str | None = None) -> Image.Image:
    """Return the SVG as a square picture.

    The drawing is centred and takes `share` (0 to 1) of the width. The background has the colour `ground`, or is
    transparent.

    Raises:
        KeyError: a path has a command that is not supported.
    """
    root = etree.fromstring(svg.read_bytes())
    _, _, width, _ = map(float, root.get("viewBox", "").split())
    sheet = Image.new("RGBA", (pixels * _OVERSAMPLING,) * 2, _rgba(ground) if ground else (0, 0, 0, 0))
    scale = pixels * _OVERSAMPLING * share / width
    pen = _Pen(ImageDraw.Draw(sheet), scale, pixels * _OVERSAMPLING * (1 - share) / 2)
    for shape in root:
        fill, stroke = shape.get("fill", "#000"), shape.get("stroke")
        if shape.tag.endswith("}circle"):
            pen.disc((_number(shape, "cx"), _number(shape, "cy")), _number(shape, "r"), fill)
            continue
        for points in _lines(shape.get("d", "")):
            if stroke:
                pen.line(points, stroke, _number(shape, "stroke-width", 1))
            elif fill != "none":
                pen.shape(points, fill)
    return sheet.resize((pixels, pixels), Image.Resampling.BOX)


def _number(shape: etree._Element, name: str, otherwise: float = 0) -> float:
    return float(shape.get(name, otherwise))


def _rgba(colour: str) -> tuple[int, int, int, int]:
    red, green, blue = ImageColor.getrgb(colour)[:3]
    return red, green, blue, 255


class _Pen:
    """Draws on a sheet in the units of the SVG."""

    def __init__(self, draw: ImageDraw.ImageDraw, scale: float, margin: float) -> None:
        self._draw, self._scale, self._margin = draw, scale, margin

    def _placed(self, points: list[Point]) -> list[Point]:
        return [(x * self._scale + self._margin, y * self._scale + self._margin) for x, y in points]

    def shape(self, points: list[Point], colour: str) -> None:
        self._draw.polygon(self._placed(points), fill=_rgba(colour))

    def line(self, points: list[Point], colour: str, width: float) -> None:
        self._draw.line(self._placed(points), fill=_rgba(colour), width=round(width * self._scale))
        for joint in points[1:-1]:  # round, and closed: Pillow's own joints leave gaps
            self.disc(joint, width / 2, colour)

    def disc(self, centre: Point, radius: float, colour: str) -> None:
        (x, y), reach = self._placed([centre])[0], radius * self._scale
        self._draw.ellipse((x - reach, y - reach, x + reach, y + reach), fill=_rgba(colour))


def _lines(path: str) -> Iterator[list[Point]]:
    """Yield the points of each line of a path; a curve becomes straight segments."""
    points: list[Point] = []
    control: Point | None = None
    for command, numbers in _commands(path):
        kind = command.upper()
        x, y = points[-1] if points else (0.0, 0.0)
        from_x, from_y = (x, y) if command.islower() else (0.0, 0.0)
        given = [number + (from_y if place % 2 else from_x) for place, number in enumerate(numbers)]
        if kind == "M" and points:
            yield points
            points = []
        if kind == "Z":
            points.append(points[0])
        elif kind == "H":
            points.append((given[0], y))
        elif kind == "V":
            points.append((x, numbers[0] + from_y))
        elif kind in "QT":
            turn = (given[0], given[1]) if kind == "Q" else _mirrored(control, (x, y))
            end = (given[-2], given[-1])
            points += _curve((x, y), turn, end)
            control = turn
            continue
        else:
            points.append((given[0], given[1]))
        control = None
    yield points


def _commands(path: str) -> Iterator[tuple[str, list[float]]]:
    """Yield each command with its numbers; a command with several sets of numbers is repeated."""
    tokens, command = _TOKEN.findall(path), ""
    while tokens:
        if tokens[0].isalpha():
            command = cast("str", tokens.pop(0))
        count = _NUMBERS[command.upper()]
        yield command, [float(tokens.pop(0)) for _ in range(count)]


def _mirrored(control: Point | None, at: Point) -> Point:
    return (2 * at[0] - control[0], 2 * at[1] - control[1]) if control else at


def _curve(start: Point, turn: Point, end: Point) -> list[Point]:
    def at(share: float) -> Point:
        ways = ((1 - share) ** 2, 2 * share * (1 - share), share**2)
        parts = tuple(zip(ways, (start, turn, end), strict=True))
        return sum(way * point[0] for way, point in parts), sum(way * point[1] for way, point in parts)

    return [at(step / _SEGMENTS_PER_CURVE) for step in range(1, _SEGMENTS_PER_CURVE + 1)]
