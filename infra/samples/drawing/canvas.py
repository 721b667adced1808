"""A canvas with the few brushes that the scenes share. All sizes are pixels of the finished picture."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from random import Random

from PIL import Image, ImageChops, ImageColor, ImageDraw, ImageFilter

Point = tuple[float, float]
Stops = Sequence[tuple[float, str]]
"""Colours along a line: (place from 0 to 1, colour), in order."""

SCALE = 2  # drawn at twice the size and reduced: soft edges for every shape


def seeded(seed: int) -> Random:
    """Return chance that is the same at every run; nothing here is secret."""
    return Random(seed)  # noqa: S311


def rgb(colour: str, alpha: float = 1.0) -> tuple[int, int, int, int]:
    """Return a colour with its opacity (0 to 1)."""
    red, green, blue = ImageColor.getrgb(colour)[:3]
    return red, green, blue, round(255 * alpha)


def mix(one: str, other: str, share: float) -> str:
    """Return the colour that lies `share` (0 to 1) of the way from one to the other."""
    pairs = zip(rgb(one)[:3], rgb(other)[:3], strict=True)
    return "#" + "".join(f"{round(a + (b - a) * min(1.0, max(0.0, share))):02x}" for a, b in pairs)


def at(stops: Stops, place: float) -> str:
    """Return the colour of a run of stops at a place from 0 to 1."""
    for (low, first), (high, second) in pairwise(stops):
        if place <= high:
            return mix(first, second, (place - low) / (high - low))
    return stops[-1][1]


class Brush:
    """Draws shapes on one sheet; a sheet may be the picture or a layer above it."""

    def __init__(self, sheet: Image.Image) -> None:
        self._draw = ImageDraw.Draw(sheet, "RGBA")

    def polygon(self, points: Sequence[Point], colour: str, alpha: float = 1.0) -> None:
        """Fill a shape."""
        self._draw.polygon([(x * SCALE, y * SCALE) for x, y in points], fill=rgb(colour, alpha))

    def line(self, points: Sequence[Point], colour: str, width: float = 1.0, alpha: float = 1.0) -> None:
        """Draw a line through points, with round joints."""
        scaled = [(x * SCALE, y * SCALE) for x, y in points]
        self._draw.line(scaled, fill=rgb(colour, alpha), width=max(1, round(width * SCALE)), joint="curve")

    def box(self, corner: Point, size: Point, colour: str, alpha: float = 1.0, radius: float = 0.0) -> None:
        """Fill a rectangle, its corners rounded by `radius`."""
        (x, y), (width, height) = corner, size
        area = (x * SCALE, y * SCALE, (x + width) * SCALE, (y + height) * SCALE)
        self._draw.rounded_rectangle(area, radius * SCALE, fill=rgb(colour, alpha))

    def disc(self, centre: Point, radius: float, colour: str, alpha: float = 1.0, flatten: float = 1.0) -> None:
        """Fill a circle, or an ellipse `flatten` times as high as it is wide."""
        (x, y), high = centre, radius * flatten
        area = ((x - radius) * SCALE, (y - high) * SCALE, (x + radius) * SCALE, (y + high) * SCALE)
        self._draw.ellipse(area, fill=rgb(colour, alpha))

    def arc(self, centre: Point, radius: float, turn: tuple[float, float], colour: str, width: float = 1.0) -> None:
        """Draw a part of a circle between two angles in degrees, clockwise from three o'clock."""
        x, y = centre
        area = ((x - radius) * SCALE, (y - radius) * SCALE, (x + radius) * SCALE, (y + radius) * SCALE)
        self._draw.arc(area, turn[0], turn[1], fill=rgb(colour), width=max(1, round(width * SCALE)))


class Canvas(Brush):
    """A picture in the making."""

    def __init__(self, width: int, height: int, sky: Stops) -> None:
        self.width, self.height = width, height
        self._image = Image.new("RGB", (width * SCALE, height * SCALE))
        super().__init__(self._image)
        self.wash(sky)

    def wash(self, stops: Stops, top: float = 0.0, bottom: float | None = None) -> None:
        """Fill a band from `top` to `bottom` with colours that run downwards."""
        low = round((self.height if bottom is None else bottom) * SCALE)
        high = round(top * SCALE)
        column = Image.new("RGB", (1, max(1, low - high)))
        for row in range(column.height):
            column.putpixel((0, row), rgb(at(stops, row / column.height))[:3])
        self._image.paste(column.resize((self._image.width, column.height)), (0, high))

    def glow(self, centre: Point, radius: float, colour: str, strength: float = 1.0, power: float = 2.0) -> None:
        """Add light round a point; a higher `power` gathers it at the middle."""
        fade = [round(255 * strength * max(0.0, 1 - step / 181) ** power) for step in range(256)]
        size = round(radius * 2 * SCALE)
        mask = Image.radial_gradient("L").point(fade).resize((size, size), Image.Resampling.BICUBIC)
        corner = (round((centre[0] - radius) * SCALE), round((centre[1] - radius) * SCALE))
        whole = Image.new("L", self._image.size)
        whole.paste(mask, corner)
        light = Image.merge("RGB", [whole.point([round(c * v / 255) for v in range(256)]) for c in rgb(colour)[:3]])
        self._image.paste(ImageChops.screen(self._image, light))

    @contextmanager
    def layer(self, *, blur: float = 0.0, opacity: float = 1.0) -> Iterator[Brush]:
        """Give a clear sheet to draw on; at the end it is laid over the picture, blurred by so many pixels."""
        sheet = Image.new("RGBA", self._image.size)
        yield Brush(sheet)
        box = sheet.getbbox()
        if box is None:
            return
        reach = round(blur * SCALE * 3) + 1
        limits = (max(0, box[0] - reach), max(0, box[1] - reach))
        box = (*limits, min(sheet.width, box[2] + reach), min(sheet.height, box[3] + reach))
        part = sheet.crop(box)
        if blur:
            # Blurred with colour weighted by opacity, or the clear sheet's black would show at every edge.
            part = part.convert("RGBa").filter(ImageFilter.GaussianBlur(blur * SCALE)).convert("RGBA")
        mask = part.getchannel("A").point([round(v * opacity) for v in range(256)])
        self._image.paste(part.convert("RGB"), box[:2], mask)

    def mirror(self, top: float, height: float, *, at_y: float, opacity: float, blur: float = 2.0) -> None:
        """Lay what stands above a line upside down below it, as wet ground or water does."""
        area = (0, round(top * SCALE), self._image.width, round((top + height) * SCALE))
        part = self._image.crop(area).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
        part = part.filter(ImageFilter.GaussianBlur(blur * SCALE))
        fade = Image.linear_gradient("L").point([round((255 - v) * opacity) for v in range(256)]).resize(part.size)
        self._image.paste(part, (0, round(at_y * SCALE)), fade)

    def soften(self, top: float, bottom: float, blur: float) -> None:
        """Blur a band of the picture."""
        area = (0, round(top * SCALE), self._image.width, round(bottom * SCALE))
        self._image.paste(self._image.crop(area).filter(ImageFilter.GaussianBlur(blur * SCALE)), area[:2])

    def finished(self, *, grain: float = 5.0, seed: int = 1, vignette: float = 0.16) -> Image.Image:
        """Return the picture at its size, with a little grain (levels of 255) and darker corners."""
        image = self._image.resize((self.width, self.height), Image.Resampling.LANCZOS)
        if vignette:
            edge = Image.radial_gradient("L").resize(image.size)
            edge = edge.point([round(255 * (1 - vignette * max(0.0, v / 255 - 0.45) / 0.55)) for v in range(256)])
            image = ImageChops.multiply(image, Image.merge("RGB", [edge] * 3))
        if grain:
            half = (self.width // 2, self.height // 2)
            noise = Image.frombytes("L", half, seeded(seed).randbytes(half[0] * half[1]))
            noise = noise.point([round(128 + (v - 127.5) / 127.5 * grain) for v in range(256)])
            noise = noise.resize(image.size, Image.Resampling.BICUBIC)
            image = ImageChops.add(image, Image.merge("RGB", [noise] * 3), 1, -128)
        return image


def ridge(width: float, level: float, swing: float, seed: int, *, step: float = 6.0) -> list[Point]:
    """Return the outline of a range of hills round the height `level`, from edge to edge."""
    chance = seeded(seed)
    waves = [(swing / 1.9**n, (1.7**n) * 2 * math.pi / width, chance.uniform(0, 2 * math.pi)) for n in range(7)]
    count = int(width / step) + 2
    return [(i * step, level + sum(a * math.sin(i * step * f + p) for a, f, p in waves)) for i in range(count)]


def closed(outline: Sequence[Point], floor: float) -> list[Point]:
    """Return an outline closed downwards to `floor`."""
    return [*outline, (outline[-1][0], floor), (outline[0][0], floor)]


def curve(points: Sequence[Point], per_part: int = 16) -> list[Point]:
    """Return a smooth line through points (Catmull-Rom)."""
    padded = [points[0], *points, points[-1]]
    line: list[Point] = []
    for a, b, c, d in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        for n in range(per_part):
            t = n / per_part
            line.append((_blend(a[0], b[0], c[0], d[0], t), _blend(a[1], b[1], c[1], d[1], t)))
    return [*line, points[-1]]


def _blend(a: float, b: float, c: float, d: float, t: float) -> float:
    return 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t * t + (3 * b - a - 3 * c + d) * t**3)
