"""Seen from hills and from the air: a river's bends, panels on salt, terraces after rain."""

# ruff: noqa: PLR2004 in a drawing the numbers are the drawing

from __future__ import annotations

import math
from itertools import pairwise

from PIL import Image

from infra.samples.drawing.canvas import Brush, Canvas, Point, at, closed, curve, mix, ridge, seeded

FIELDS = ("#b9c08a", "#a3b37d", "#c9c193", "#8fa873", "#d6c48e", "#9fae86", "#c2b27c", "#7f9b6c", "#e0d2a4")


def river() -> Image.Image:
    """Return a map from above: a winding river, fields, a town, and the dashed line of the old channel."""
    canvas = Canvas(1600, 1000, [(0, "#aeb784"), (1, "#bcbf8d")])
    bends: list[Point] = [
        (-60, 300),
        (150, 380),
        (300, 610),
        (480, 690),
        (600, 520),
        (590, 330),
        (720, 210),
        (890, 300),
        (900, 520),
        (990, 720),
        (1170, 740),
        (1260, 560),
        (1240, 370),
        (1380, 270),
        (1520, 360),
        (1660, 330),
    ]
    course = curve(bends, 28)
    _fields(canvas, course)
    for width, colour, alpha in (
        (330, "#9aae7c", 0.35),
        (250, "#93ab78", 0.4),
        (182, "#a9b883", 0.6),
        (138, "#d8cf9f", 0.85),
    ):
        with canvas.layer(blur=3, opacity=alpha) as meadow:
            meadow.line(course, colour, width)
    _ghost_bends(canvas)
    for width, colour in ((78, "#3d7f94"), (66, "#2c6a86"), (40, "#25597a"), (16, "#2f6f93")):
        with canvas.layer(blur=1.2) as water:
            water.line(course, colour, width)
    _current(canvas, course)
    _old_channel(canvas)
    _town(canvas)
    _trees(canvas, course)
    return canvas.finished(grain=3.5, seed=13, vignette=0.2)


def _far(point: Point, course: list[Point]) -> float:
    return min(math.hypot(point[0] - x, point[1] - y) for x, y in course[::6])


def _fields(canvas: Canvas, course: list[Point]) -> None:
    chance = seeded(61)
    columns, rows, size = 17, 12, 104.0
    corners = {
        (i, j): (
            (i - 0.6) * size + chance.uniform(-26, 26) + j * 14 - 80,
            (j - 0.7) * size + chance.uniform(-22, 22) - i * 7 + 40,
        )
        for i in range(columns + 3)
        for j in range(rows + 1)
    }
    for i in range(columns + 2):
        for j in range(rows):
            quad = [corners[i, j], corners[i + 1, j], corners[i + 1, j + 1], corners[i, j + 1]]
            colour = chance.choice(FIELDS)
            canvas.polygon(quad, colour, 0.9)
            if _far(quad[0], course) > 110 and chance.random() < 0.6:
                _furrows(canvas, quad, mix(colour, "#4d5a34", 0.35), chance.randint(7, 15))
            canvas.line([*quad, quad[0]], "#6f8454", 2.4, 0.65)
    with canvas.layer(blur=0.5) as roads:
        for path in (
            [(0, 860), (380, 830), (700, 880), (1100, 870), (1600, 940)],
            [(1040, 0), (1050, 160), (1090, 480), (1080, 880), (1130, 1000)],
        ):
            roads.line(curve(path), "#f1e7c6", 7, 0.95)


def _furrows(canvas: Canvas, quad: list[Point], colour: str, count: int) -> None:
    a, b, c, d = quad
    for n in range(1, count):
        t = n / count
        canvas.line(
            [
                (a[0] + (d[0] - a[0]) * t, a[1] + (d[1] - a[1]) * t),
                (b[0] + (c[0] - b[0]) * t, b[1] + (c[1] - b[1]) * t),
            ],
            colour,
            1.2,
            0.5,
        )


def _ghost_bends(canvas: Canvas) -> None:
    loops: tuple[list[Point], ...] = (
        [(360, 640), (300, 760), (400, 850), (540, 800), (560, 690)],
        [(905, 300), (1010, 220), (1130, 300), (1120, 420), (1010, 450)],
    )
    for loop in loops:
        with canvas.layer(blur=1.5, opacity=0.6) as trace:
            trace.line(curve(loop, 20), "#7fa18a", 40)
            trace.line(curve(loop, 20), "#4f96a3", 18)


def _current(canvas: Canvas, course: list[Point]) -> None:
    chance = seeded(62)
    with canvas.layer(blur=0.5) as light:
        for _ in range(150):
            start, shift = chance.randrange(8, len(course) - 26), chance.uniform(-22, 22)
            length = chance.randint(6, 16)
            stroke = []
            for (x, y), (u, v) in pairwise(course[start : start + length]):
                size = math.hypot(u - x, v - y) or 1
                stroke.append((x - (v - y) / size * shift, y + (u - x) / size * shift))
            light.line(stroke, "#bfe3e2", 1.5, chance.uniform(0.25, 0.7))


def _old_channel(canvas: Canvas) -> None:
    start, end = (270.0, 580.0), (1300.0, 468.0)
    steps = 30
    with canvas.layer() as chart:
        for n in range(steps):
            a, b = n / steps, (n + 0.56) / steps
            chart.line(
                [(start[0] + (end[0] - start[0]) * t, start[1] + (end[1] - start[1]) * t) for t in (a, b)],
                "#ffffff",
                7,
                0.95,
            )
        for x, y in (start, end):
            chart.disc((x, y), 15, "#ffffff")
            chart.disc((x, y), 9, "#c14f36")


def _town(canvas: Canvas) -> None:
    chance = seeded(63)
    with canvas.layer(blur=2.5, opacity=0.5) as shade, canvas.layer() as roofs:
        for _ in range(120):
            x, y = chance.gauss(745, 76), chance.gauss(460, 84)
            if not 640 < x < 850 or not 330 < y < 640:
                continue
            wide, deep, turn = chance.uniform(9, 19), chance.uniform(8, 13), chance.choice((0.12, 0.12, 1.69))
            house = _turned((x, y), wide, deep, turn)
            shade.polygon([(u + 5, v + 6) for u, v in house], "#2c3320", 0.9)
            colour = chance.choice(("#c8674a", "#b9553d", "#d98a64", "#a94b39", "#e6b08b"))
            roofs.polygon(house, colour)
            roofs.polygon(
                [house[0], house[1], _mid(house[1], house[2]), _mid(house[3], house[0])], mix(colour, "#ffffff", 0.22)
            )
    for (x, y), turn in (((597, 430), 0.1), ((897, 440), 0.05), ((1252, 455), -0.2)):
        canvas.polygon(_turned((x, y), 64, 9, turn), "#f6ecd2")


def _turned(centre: Point, wide: float, deep: float, turn: float) -> list[Point]:
    cos, sin = math.cos(turn), math.sin(turn)
    return [
        (centre[0] + u * wide * cos - v * deep * sin, centre[1] + u * wide * sin + v * deep * cos)
        for u, v in ((-1, -1), (1, -1), (1, 1), (-1, 1))
    ]


def _mid(a: Point, b: Point) -> Point:
    return (a[0] + b[0]) / 2, (a[1] + b[1]) / 2


def _trees(canvas: Canvas, course: list[Point]) -> None:
    chance = seeded(64)
    with canvas.layer(blur=2, opacity=0.45) as shade, canvas.layer() as crowns:
        for _ in range(560):
            x, y = course[chance.randrange(len(course))]
            turn, reach = chance.uniform(0, 2 * math.pi), chance.uniform(48, 150)
            place = (x + math.cos(turn) * reach, y + math.sin(turn) * reach)
            if _far(place, course) < 46 or (640 < place[0] < 850 and 330 < place[1] < 620):
                continue
            size = chance.uniform(4, 10)
            shade.disc((place[0] + 4, place[1] + 5), size, "#1e2c18", 0.9)
            colour = chance.choice(("#4f7048", "#5d7f4e", "#3f6044", "#6f8f57"))
            crowns.disc(place, size, colour)
            crowns.disc((place[0] - size * 0.25, place[1] - size * 0.25), size * 0.55, mix(colour, "#dfe7a8", 0.3))


def solar() -> Image.Image:
    """Return rows of panels that run over bright pans towards a low sun."""
    canvas = Canvas(1600, 1000, [(0, "#e9a94f"), (1, "#fff")])
    horizon = 392.0
    canvas.wash([(0, "#d98a4a"), (0.35, "#f1b561"), (0.75, "#fbd78f"), (1, "#fff0cd")], 0, horizon)
    chance = seeded(71)
    with canvas.layer(blur=10, opacity=0.55) as soft:
        for _ in range(40):
            soft.disc(
                (chance.uniform(-60, 1660), chance.uniform(30, 330)),
                chance.uniform(80, 300),
                chance.choice(("#fff3d6", "#e79a5b", "#ffe1a8")),
                0.5,
                0.05,
            )
    canvas.glow((980, 330), 700, "#ffd68a", 0.6, 2)
    canvas.disc((980, 318), 46, "#fffbe9")
    canvas.glow((980, 318), 150, "#fff7dc", 0.9, 2)
    canvas.polygon(closed(ridge(1600, 380, 10, 15), 400), "#d9a573", 0.9)
    canvas.wash([(0, "#f6dfb4"), (0.25, "#efdcc6"), (1, "#c8cfd6")], horizon, 1000)
    _pans(canvas, horizon)
    canvas.glow((980, 470), 420, "#fff1c9", 0.5, 2)
    for column in (-9, 9, -8, 8, -7, 7, -6, 6, -5, 5, -4, 4, -3, 3, -2, 2, -1, 1):
        _row(canvas, horizon, (column - math.copysign(0.5, column)) * 7.0)
    return canvas.finished(grain=3, seed=14)


def _ground(horizon: float, x: float, depth: float, height: float = 0.0) -> Point:
    return 860 + x / depth * 640, horizon + (5.2 - height) / depth * 640


def _pans(canvas: Canvas, horizon: float) -> None:
    chance = seeded(72)
    depths = [5.0 * 1.16**n for n in range(34)]
    for near, far in pairwise(depths):
        for lane in range(-16, 16):
            low, high = lane * 7.0, lane * 7.0 + 7.0
            quad = [
                _ground(horizon, low, near),
                _ground(horizon, high, near),
                _ground(horizon, high, far),
                _ground(horizon, low, far),
            ]
            canvas.polygon(
                quad, chance.choice(("#ffffff", "#f4e3cd", "#dfe6ea", "#c9d6df", "#f7d9a5")), chance.uniform(0.1, 0.5)
            )
            canvas.line([quad[0], quad[1]], "#ffffff", max(0.5, 14 / near), 0.55)


def _row(canvas: Canvas, horizon: float, x: float) -> None:
    depths = [6.0 * 1.085**n for n in range(58)]
    low, high, half = 1.6, 3.1, 1.75
    with canvas.layer(blur=1.5, opacity=0.5) as shade:
        ends = (depths[0], depths[-1])
        shade.polygon(
            [
                _ground(horizon, x - half - 1.3, ends[0]),
                _ground(horizon, x + half - 1.1, ends[0]),
                _ground(horizon, x + half - 1.1, ends[1]),
                _ground(horizon, x - half - 1.3, ends[1]),
            ],
            "#6d6a78",
            0.75,
        )
    for near, far in reversed(list(pairwise(depths))):
        haze = min(1.0, math.log(near / 6) / math.log(depths[-1] / 6)) ** 1.3
        for side in (-0.8, 0.8):
            edge = low if side < 0 else high
            canvas.line(
                [_ground(horizon, x + side * half, near, edge), _ground(horizon, x + side * half, near)],
                mix("#55504f", "#f0d3a0", haze),
                max(0.6, 34 / near),
            )
        for part in range(3):
            a, b = part / 3, (part + 0.96) / 3
            quad = [
                _ground(horizon, x - half + 2 * half * a, near, low + (high - low) * a),
                _ground(horizon, x - half + 2 * half * b, near, low + (high - low) * b),
                _ground(horizon, x - half + 2 * half * b, far * 0.992, low + (high - low) * b),
                _ground(horizon, x - half + 2 * half * a, far * 0.992, low + (high - low) * a),
            ]
            canvas.polygon(quad, mix(mix("#16335c", "#3f6c9c", part / 2), "#f3cf94", haze * 0.92))
            canvas.line([quad[3], quad[2]], mix("#9cc0dc", "#fbe3b4", haze), max(0.4, 8 / near), 0.6)


def terraces() -> Image.Image:
    """Return terraced hills round a full pond, with sun through clouds after rain."""
    canvas = Canvas(1600, 1000, [(0, "#6f8d9c"), (0.25, "#a9bfbd"), (0.45, "#efe3b6"), (1, "#7a9a6a")])
    _clouds(canvas)
    canvas.glow((1090, 150), 760, "#fff0b8", 0.6, 2)
    with canvas.layer(blur=16) as shafts:
        for n in range(7):
            x = 560 + n * 150
            shafts.polygon(
                [(1090 + n * 6 - 20, 90), (1090 + n * 6 + 10, 90), (x + 70, 720), (x - 40, 720)], "#fff6d0", 0.2
            )
    for level, swing, seed, colour in ((360, 60, 81, "#9db8ae"), (420, 54, 82, "#7fa592"), (480, 46, 83, "#638f74")):
        canvas.polygon(closed(ridge(1600, level, swing, seed), 1010), colour, 0.9)
        with canvas.layer(blur=26, opacity=0.5) as mist:
            mist.box((-50, level + 60), (1700, 46), "#f4efd2", 0.8)
    _slope(canvas, side=1, seed=84)
    _slope(canvas, side=-1, seed=85)
    _pond(canvas)
    _rain(canvas)
    return canvas.finished(grain=3, seed=15)


def _clouds(canvas: Canvas) -> None:
    chance = seeded(80)
    with canvas.layer(blur=12, opacity=0.85) as soft:
        for _ in range(90):
            x, y = chance.uniform(-80, 1680), chance.uniform(-20, 230)
            colour = mix("#465f70", "#f3ead0", max(0.0, 1 - math.hypot(x - 1090, (y - 130) * 2) / 620))
            soft.disc((x, y), chance.uniform(60, 170), colour, 0.45, 0.42)


def _slope(canvas: Canvas, *, side: int, seed: int) -> None:
    """Steps of one hillside that falls to the pond; `side` is 1 for the left, -1 for the right."""
    chance = seeded(seed)
    count = 21
    lift = 0 if side > 0 else 46
    for n in range(count):
        share = n / (count - 1)
        phase = chance.uniform(-0.2, 0.2)
        outline: list[Point] = []
        for i in range(0, 1001, 10):
            t = i / 1000
            fall = 310 + lift + share**1.15 * 640
            drop = (t**1.5) * (500 - share * 470)
            y = fall + drop + 15 * math.sin(t * 7 + share * 5 + phase) + 7 * math.sin(t * 15 + n * 0.7)
            x = t * (870 - 520 * share**1.3 + lift)
            outline.append((x if side > 0 else 1600 - x, y))
        top = mix("#bfd27a", "#2f6b41", share**0.75 * 0.9 + chance.uniform(-0.06, 0.06))
        canvas.polygon(closed(outline, 1010), mix(top, "#1b3a2a", 0.5))
        canvas.polygon([*outline, *[(x, y + 17 + 13 * share) for x, y in reversed(outline)]], top)
        canvas.line(outline, mix(top, "#fff6bd", 0.6), 2.2, 0.9)
        _plants(canvas, outline, top, share, seed * 100 + n)


def _plants(canvas: Canvas, outline: list[Point], colour: str, share: float, seed: int) -> None:
    chance = seeded(seed)
    with canvas.layer() as rows:
        for x, y in outline:
            for _ in range(3):
                spot = (x + chance.uniform(-6, 6), y + chance.uniform(3, 15 + 10 * share))
                rows.disc(
                    spot,
                    chance.uniform(1.6, 3.0 + 2.2 * share),
                    mix(colour, chance.choice(("#12331f", "#e6f09a")), 0.35),
                    0.8,
                    0.7,
                )


def _pond(canvas: Canvas) -> None:
    top, middle = 828.0, 712.0

    def reach(y: float) -> float:
        return 60 + 500 * math.pow((y - top) / 172, 0.6) + 5 * math.sin(y / 9)

    shore = [(middle - reach(y), y) for y in range(1008, 828, -4)]
    shore += [(middle + reach(y), y) for y in range(832, 1009, 4)]
    canvas.polygon([(x + (9 if x > middle else -9), y - 7) for x, y in shore], "#c3b67a")
    tones = [(0.0, "#f8efc8"), (0.35, "#d5dfc6"), (0.75, "#8fb5b3"), (1.0, "#4f828a")]
    for y in range(832, 1001):
        half, tone = reach(y), at(tones, (y - 830) / 172)
        canvas.line([(middle - half, y), (middle + half, y)], tone, 1.5)
        for n in range(1, 14):  # the banks, upside down
            part = half * (0.5 + 0.5 * n / 14)
            canvas.line([(middle - half, y), (middle - part, y)], "#3f7a4d", 1.5, 0.07)
            canvas.line([(middle + part, y), (middle + half, y)], "#3f7a4d", 1.5, 0.07)
    chance = seeded(86)
    with canvas.layer(blur=0.6) as light:
        for _ in range(210):
            height = 836 + chance.random() * 164
            x, length = middle + 40 + chance.gauss(0, 0.26) * reach(height), 4 + (height - 820) * 0.2 * chance.random()
            light.line([(x - length, height), (x + length, height)], "#fffbe4", 1.6, 0.45)
        for _ in range(70):
            height = 842 + chance.random() * 152
            for size in (0.045, 0.09):
                _ring(light, (middle + chance.uniform(-0.85, 0.85) * reach(height), height), (height - 760) * size)


def _ring(sheet: Brush, centre: Point, radius: float) -> None:
    points = [
        (centre[0] + radius * math.cos(t / 12 * math.pi), centre[1] + radius * 0.34 * math.sin(t / 12 * math.pi))
        for t in range(25)
    ]
    sheet.line(points, "#f8f6dd", 1.1, 0.55)


def _rain(canvas: Canvas) -> None:
    chance = seeded(87)
    with canvas.layer(blur=0.6) as drops:
        for _ in range(330):
            x, y, length = chance.uniform(-20, 1620), chance.uniform(-20, 1000), chance.uniform(16, 46)
            drops.line([(x, y), (x - length * 0.2, y + length)], "#f4f7ee", 1.1, chance.uniform(0.1, 0.34))
