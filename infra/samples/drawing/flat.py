"""Even colours: a graph as hills, shelves of books, lanes from above."""

# ruff: noqa: PLR2004 in a drawing the numbers are the drawing

from __future__ import annotations

import math
from itertools import pairwise

from PIL import Image

from infra.samples.drawing.canvas import Brush, Canvas, Point, closed, curve, mix, seeded

PAPER = "#f6efe2"


def markets() -> Image.Image:
    """Return five quarters of five firms as translucent hills, and their sum as a line of points."""
    canvas = Canvas(1600, 1000, [(0, "#fbf6ec"), (1, "#efe5d2")])
    for n in range(9):
        canvas.line([(0, 120 + n * 100), (1600, 120 + n * 100)], "#cfc4ae", 1, 0.7)
    for n in range(6):
        x = 100 + n * 280
        for y in range(60, 980, 14):
            canvas.line([(x, y), (x, y + 5)], "#cfc4ae", 1.2, 0.8)
    canvas.disc((1260, 260), 118, "#f2b04b", 0.92)
    canvas.disc((1260, 260), 118 * 0.78, "#f7c66f", 0.6)
    bands = (
        ("#1f4e79", (620, 560, 590, 470, 520, 380, 400, 330)),
        ("#2a9d8f", (700, 690, 610, 640, 560, 590, 500, 470)),
        ("#e9a23b", (760, 720, 760, 690, 720, 640, 660, 610)),
        ("#d1495b", (820, 830, 770, 800, 740, 790, 750, 780)),
        ("#3d405b", (880, 870, 900, 860, 880, 850, 860, 840)),
    )
    for colour, heights in bands:
        points = [(-60 + n * 246.0, float(y)) for n, y in enumerate(heights)]
        outline = curve(points, 24)
        with canvas.layer(blur=12, opacity=0.28) as shade:
            shade.polygon(closed([(x, y + 14) for x, y in outline], 1010), "#2b2620")
        with canvas.layer(opacity=0.86) as hill:
            hill.polygon(closed(outline, 1010), colour)
        _hatch(canvas, outline, colour)
        canvas.line(outline, mix(colour, "#ffffff", 0.55), 3)
    _points(canvas)
    return canvas.finished(grain=3, seed=19, vignette=0.08)


def _hatch(canvas: Canvas, outline: list[Point], colour: str) -> None:
    with canvas.layer() as lines:
        for n, (x, y) in enumerate(outline):
            if n % 3 == 0:
                lines.line([(x, y + 4), (x, y + 60 + 40 * math.sin(n / 9))], mix(colour, "#ffffff", 0.5), 1.3, 0.45)


def _points(canvas: Canvas) -> None:
    heights = (470, 500, 420, 440, 330, 350, 250, 262, 176, 190, 120)
    points = [(100 + n * 140.0, float(y)) for n, y in enumerate(heights)]
    canvas.line(points, "#2b2620", 4)
    for n, point in enumerate(points):
        canvas.disc(point, 12 if n % 2 == 0 else 7, "#2b2620")
        canvas.disc(point, 7 if n % 2 == 0 else 3.5, PAPER)
    last = points[-1]
    canvas.disc(last, 24, "#d1495b")
    canvas.disc(last, 12, PAPER)


SPINES = ("#264653", "#2a9d8f", "#e9c46a", "#f4a261", "#e76f51", "#8d3b4a", "#3b5b92", "#f1e3c6", "#6a8d73", "#b5838d")


def library() -> Image.Image:
    """Return shelves of books with a lamp, a plant and a sleeping cat."""
    canvas = Canvas(1600, 1000, [(0, "#243746"), (1, "#243746")])
    floors = (262.0, 500.0, 738.0, 976.0)
    gaps = {262.0: ((1010.0, 1330.0),), 500.0: ((250.0, 560.0),), 738.0: ((860.0, 1290.0),), 976.0: ()}
    chance = seeded(121)
    for floor in floors:
        canvas.box((40, floor - 214), (1520, 214), "#1b2a36")
        x = 56.0
        while x < 1530:
            if gap := next((end for start, end in gaps[floor] if start <= x + 20 < end), None):
                x = gap
                continue
            x += _book(canvas, x, floor, chance.randint(0, 10**6))
        canvas.box((24, floor), (1552, 24), "#a8713f")
        canvas.box((24, floor), (1552, 6), "#c98d55")
    for x in (24.0, 1552.0):
        canvas.box((x, 24), (24, 976), "#8a5a30")
    canvas.box((24, 20), (1552, 26), "#a8713f")
    _lamp(canvas, 1170, 262)
    _plant(canvas, 400, 500)
    _cat(canvas, 1075, 738)
    return canvas.finished(grain=0, vignette=0)


def _book(canvas: Brush, x: float, floor: float, seed: int) -> float:
    chance = seeded(seed)
    wide, tall = chance.choice((22.0, 26.0, 30.0, 36.0, 44.0)), chance.choice((128.0, 146.0, 160.0, 172.0, 186.0))
    colour = chance.choice(SPINES)
    other = chance.choice([tone for tone in SPINES if tone != colour])
    if chance.random() < 0.07:  # one that leans on its neighbour
        lean = 26.0
        canvas.polygon(
            [(x + lean, floor - tall), (x + lean + wide, floor - tall + 7), (x + wide, floor), (x, floor)], colour
        )
        canvas.polygon(
            [
                (x + lean * 0.8, floor - tall * 0.8),
                (x + lean * 0.8 + wide, floor - tall * 0.8 + 7),
                (x + lean * 0.7 + wide, floor - tall * 0.7 + 7),
                (x + lean * 0.7, floor - tall * 0.7),
            ],
            other,
        )
        return wide + lean + 5
    canvas.box((x, floor - tall), (wide, tall), colour, radius=3)
    style = chance.randrange(4)
    if style == 0:
        for y in (0.12, 0.2, 0.82):
            canvas.box((x, floor - tall * (1 - y)), (wide, 5), other)
    elif style == 1:
        canvas.box((x + wide * 0.22, floor - tall * 0.78), (wide * 0.56, tall * 0.36), other, radius=3)
    elif style == 2:
        canvas.box((x, floor - tall * 0.34), (wide, tall * 0.2), other)
        canvas.disc((x + wide / 2, floor - tall * 0.78), wide * 0.24, other)
    else:
        canvas.line([(x + wide / 2, floor - tall * 0.86), (x + wide / 2, floor - tall * 0.36)], other, 4)
    return wide + 3


def _lamp(canvas: Canvas, x: float, floor: float) -> None:
    with canvas.layer(opacity=0.2) as light:
        light.polygon([(x - 50, floor - 124), (x + 50, floor - 124), (x + 140, floor), (x - 140, floor)], "#ffe9a8")
    canvas.box((x - 44, floor - 12), (88, 12), "#d9b44a", radius=5)
    canvas.line([(x, floor - 8), (x, floor - 128)], "#d9b44a", 7)
    canvas.polygon(
        [(x - 36, floor - 196), (x + 36, floor - 196), (x + 78, floor - 118), (x - 78, floor - 118)], "#f4d58d"
    )
    canvas.polygon(
        [(x - 36, floor - 196), (x - 8, floor - 196), (x - 22, floor - 118), (x - 78, floor - 118)], "#fbe8b7"
    )
    canvas.disc((x, floor - 114), 15, "#fff7dd")


def _plant(canvas: Brush, x: float, floor: float) -> None:
    for n in range(11):
        turn = math.radians(-165 + n * 15)
        reach = 104 + 26 * math.sin(n * 2.1)
        tip = (x + math.cos(turn) * reach, floor - 84 + math.sin(turn) * reach * 0.95)
        side = (-math.sin(turn) * 15, math.cos(turn) * 15)
        middle = ((x + tip[0]) / 2, (floor - 84 + tip[1]) / 2 - 10)
        leaf = curve(
            [
                (x, floor - 84),
                (middle[0] + side[0], middle[1] + side[1]),
                tip,
                (middle[0] - side[0], middle[1] - side[1]),
                (x, floor - 84),
            ],
            10,
        )
        canvas.polygon(leaf, "#6a994e" if n % 2 else "#386641")
        canvas.line([(x, floor - 84), middle, tip], "#a7c957", 2)
    canvas.polygon([(x - 58, floor - 88), (x + 58, floor - 88), (x + 44, floor), (x - 44, floor)], "#e07a5f")
    canvas.box((x - 64, floor - 98), (128, 20), "#c8603f", radius=4)


def _cat(canvas: Brush, x: float, floor: float) -> None:
    fur, stripe = "#e8dcc8", "#c9a27e"
    canvas.disc((x + 20, floor - 62), 142, fur, flatten=0.45)
    canvas.box((x - 118, floor - 60), (276, 60), fur, radius=30)
    for n in range(4):
        canvas.line(
            curve(
                [(x + 10 + n * 34, floor - 122 + n * 5), (x + 22 + n * 34, floor - 98), (x + 20 + n * 34, floor - 78)],
                8,
            ),
            stripe,
            9,
        )
    tail = curve([(x + 150, floor - 28), (x + 176, floor - 12), (x + 60, floor - 10), (x - 40, floor - 13)], 14)
    canvas.line(tail, stripe, 22)
    canvas.disc(tail[-1], 11, stripe)
    head = (x - 96.0, floor - 58.0)
    for side in (-1, 1):
        canvas.polygon(
            [
                (head[0] + side * 54, head[1] - 76),
                (head[0] + side * 8, head[1] - 46),
                (head[0] + side * 56, head[1] - 14),
            ],
            fur,
        )
        canvas.polygon(
            [
                (head[0] + side * 47, head[1] - 60),
                (head[0] + side * 20, head[1] - 42),
                (head[0] + side * 47, head[1] - 24),
            ],
            "#e5989b",
        )
    canvas.disc(head, 60, fur, flatten=0.88)
    for side in (-1, 1):
        lid = curve(
            [
                (head[0] + side * 38, head[1] - 2),
                (head[0] + side * 25, head[1] + 7),
                (head[0] + side * 12, head[1] - 2),
            ],
            8,
        )
        canvas.line(lid, "#3a2e2a", 4)
        for n in range(3):
            canvas.line(
                [(head[0] + side * 20, head[1] + 16 + n * 5), (head[0] + side * 66, head[1] + 8 + n * 11)],
                "#8d7b68",
                1.6,
            )
    canvas.polygon([(head[0] - 7, head[1] + 11), (head[0] + 7, head[1] + 11), (head[0], head[1] + 19)], "#d4737b")
    for n in range(3):
        canvas.line([(head[0] - 12 + n * 12, head[1] - 50), (head[0] - 10 + n * 10, head[1] - 32)], stripe, 6)


def track() -> Image.Image:
    """Return the last bend of a running track from above, four runners and their long shadows."""
    canvas = Canvas(1600, 1000, [(0, "#b6483a"), (1, "#b6483a")])
    centre, lane, inner = (1500.0, 1180.0), 112.0, 420.0
    _infield(canvas, centre, inner)
    for n in range(9):
        if n % 2:
            _annulus(canvas, centre, (inner + n * lane, inner + (n + 1) * lane), "#bd5242")
    chance = seeded(131)
    with canvas.layer(blur=1) as specks:
        for _ in range(2600):
            specks.disc(
                (chance.uniform(0, 1600), chance.uniform(0, 1000)),
                chance.uniform(0.8, 2),
                chance.choice(("#8c3026", "#d4715c")),
                0.35,
            )
    _infield(canvas, centre, inner - 8)
    for n in range(11):
        canvas.arc(centre, inner + n * lane, (170, 290), "#fbf3e4", 7)
    for turn in (204.0, 233.0, 262.0):
        cos, sin = math.cos(math.radians(turn)), math.sin(math.radians(turn))
        ends = [(centre[0] + cos * r, centre[1] + sin * r) for r in (inner, inner + 10 * lane)]
        canvas.line(ends, "#f7d9a0", 4, 0.55)
    runners = ((1, 255.0, "#f2c14e"), (3, 240.0, "#f7f4ea"), (4, 224.0, "#3d8bd4"), (6, 208.0, "#2f9e77"))
    for row, turn, colour in runners:
        radius = inner + (row + 0.5) * lane
        place = (centre[0] + radius * math.cos(math.radians(turn)), centre[1] + radius * math.sin(math.radians(turn)))
        _runner(canvas, place, math.radians(turn + 90), colour)
    with canvas.layer(blur=60, opacity=0.22) as evening:
        evening.polygon([(-60, -60), (760, -60), (-60, 560)], "#ffd18a", 0.8)
        evening.polygon([(1660, 600), (1660, 1060), (900, 1060)], "#1e1533", 0.8)
    return canvas.finished(grain=4, seed=20, vignette=0.2)


def _infield(canvas: Canvas, centre: Point, radius: float) -> None:
    canvas.disc(centre, radius, "#4f8a4c")
    for n in range(0, 14, 2):
        _annulus(canvas, centre, (max(2.0, radius - (n + 1) * 44), max(3.0, radius - n * 44)), "#5d9a55")


def _annulus(canvas: Canvas, centre: Point, radii: tuple[float, float], colour: str) -> None:
    canvas.arc(centre, radii[1], (165, 300), colour, radii[1] - radii[0])


def _runner(canvas: Canvas, place: Point, heading: float, colour: str) -> None:
    """Seen from straight above, a runner is small; the shadow tells the rest."""
    with canvas.layer(blur=1.3, opacity=0.66) as shade:
        _silhouette(shade, place, 190.0)
    ahead, across = (math.cos(heading), math.sin(heading)), (-math.sin(heading), math.cos(heading))

    def put(forward: float, aside: float) -> Point:
        return place[0] + ahead[0] * forward + across[0] * aside, place[1] + ahead[1] * forward + across[1] * aside

    skin, dark = "#8a5a3c", "#2a1a18"
    canvas.line([put(-4, 8), put(-30, 11)], skin, 10)
    canvas.line([put(0, -8), put(22, -10)], skin, 10)
    canvas.line([put(4, 20), put(26, 24)], skin, 8)
    canvas.line([put(0, -20), put(-22, -25)], skin, 8)
    canvas.line([put(0, -19), put(0, 19)], colour, 25)
    canvas.disc(put(0, -19), 12, colour)
    canvas.disc(put(0, 19), 12, colour)
    canvas.disc(put(7, 0), 13, dark)
    canvas.disc(put(10, -2), 5, "#4a302b")


def _silhouette(sheet: Brush, foot: Point, tall: float) -> None:
    """A striding figure laid on the ground, away from a low sun at the upper left."""
    along, aside = (0.83, 0.56), (-0.50, 0.86)

    def put(up: float, side: float) -> Point:
        return foot[0] + (along[0] * up + aside[0] * side) * tall, foot[1] + (along[1] * up + aside[1] * side) * tall

    ink = "#2a0f1c"
    limbs: tuple[tuple[tuple[Point, ...], float], ...] = (
        (((0.48, 0.0), (0.3, 0.2), (0.06, 0.14)), 17),
        (((0.48, 0.0), (0.3, -0.1), (0.24, -0.36)), 17),
        (((0.8, 0.0), (0.62, -0.17), (0.72, -0.32)), 12),
        (((0.8, 0.02), (0.63, 0.18), (0.5, 0.29)), 12),
    )
    for joints, width in limbs:
        points = [put(*joint) for joint in joints]
        for a, b in pairwise(points):
            sheet.line([a, b], ink, width)
        for point in points:
            sheet.disc(point, width / 2, ink)
    sheet.line([put(0.46, 0), put(0.84, 0.03)], ink, 34)
    sheet.disc(put(0.46, 0), 16, ink)
    sheet.disc(put(0.82, 0.03), 17, ink)
    sheet.disc(put(1.0, 0.05), 17, ink)
