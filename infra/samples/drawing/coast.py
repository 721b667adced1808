"""By the sea: a harbour at dusk and a lighthouse in a swell."""

from __future__ import annotations

import math

from PIL import Image

from infra.samples.drawing.canvas import Brush, Canvas, Stops, closed, curve, mix, ridge, seeded

DUSK: Stops = [
    (0.0, "#16213f"),
    (0.28, "#3b3f6e"),
    (0.5, "#94597f"),
    (0.72, "#e5825f"),
    (0.9, "#f8b765"),
    (1.0, "#ffdd9c"),
]
INK = "#141629"
SUN = 705.0


def harbour() -> Image.Image:
    """Return a ferry with lit windows on still water, cranes and hills against the last light."""
    canvas = Canvas(1600, 1000, [(0, "#16213f"), (1, "#16213f")])
    canvas.wash(DUSK, 0, 590)
    _clouds(canvas)
    canvas.glow((SUN, 520), 660, "#ffb45c", 0.75, 2.2)
    canvas.glow((SUN, 480), 190, "#fff2c8", 0.95, 2.4)
    canvas.disc((SUN, 470), 44, "#fff6dc")
    canvas.polygon(closed(ridge(1600, 520, 26, 4), 600), "#a7637d", 0.85)
    canvas.polygon(closed(ridge(1600, 552, 20, 9), 600), "#6f4a72")
    canvas.polygon(closed(ridge(1600, 578, 9, 13), 600), "#413459")
    _town_lights(canvas)
    canvas.wash([(0, "#f0a467"), (0.12, "#c06f6b"), (0.42, "#5c456f"), (1, "#151a35")], 592, 1000)
    canvas.mirror(400, 190, at_y=592, opacity=0.55, blur=5)
    _ripples(canvas)
    for x, size in ((110, 1.0), (330, 0.86), (520, 0.72)):
        _crane(canvas, x, 640, size)
    _ferry(canvas, 900, 690)
    _quay(canvas)
    with canvas.layer() as birds:
        for x, y, span in ((1180, 250, 26), (1240, 222, 20), (1302, 268, 16), (1120, 300, 14), (700, 190, 15)):
            wing = curve([(x - span, y - span * 0.1), (x - span * 0.5, y - span * 0.42), (x, y)], 8)
            birds.line(wing, INK, 2.2, 0.8)
            birds.line([(2 * x - a, b) for a, b in wing], INK, 2.2, 0.8)
    return canvas.finished(grain=3, seed=11)


def _clouds(canvas: Canvas) -> None:
    chance = seeded(21)
    with canvas.layer(blur=9, opacity=0.55) as soft:
        for _ in range(46):
            x, y = chance.uniform(-100, 1700), chance.uniform(90, 500)
            colour = mix("#5c4f80", "#ffb783", (y - 90) / 410)
            soft.disc((x, y), chance.uniform(90, 330), colour, 0.5, chance.uniform(0.02, 0.06))


def _town_lights(canvas: Canvas) -> None:
    chance = seeded(5)
    with canvas.layer() as lights:
        for _ in range(70):
            x = chance.gauss(560, 260)
            lights.disc((x, chance.uniform(566, 588)), chance.uniform(1.0, 2.0), "#ffe1a3", chance.uniform(0.4, 1))


def _ripples(canvas: Canvas) -> None:
    chance = seeded(8)
    with canvas.layer(blur=0.7) as water:
        for _ in range(900):
            depth = chance.random() ** 1.4
            y = 600 + depth * 380
            spread = 40 + depth * 250
            x = chance.gauss(SUN, spread)
            glint = max(0.0, 1 - abs(x - SUN) / (spread * 2.2))
            length = 8 + depth * 70 * chance.random()
            water.line(
                [(x - length, y), (x + length, y)], "#ffd28f", 1 + depth * 2.2, 0.08 + 0.5 * glint * (1 - depth * 0.5)
            )
        for _ in range(420):
            depth = chance.random()
            x, y, length = chance.uniform(0, 1600), 604 + depth * 390, 15 + depth * 110
            water.line([(x - length, y), (x + length, y)], "#1b1d3b", 1 + depth * 2, 0.22)


def _crane(canvas: Canvas, x: float, foot: float, size: float) -> None:
    tall, wide = 300 * size, 92 * size
    top = foot - tall
    for side in (-0.5, 0.5):
        canvas.line([(x + side * wide, foot), (x + side * wide * 0.7, top)], INK, 8 * size)
    for share in (0.3, 0.62):
        canvas.line([(x - wide * 0.5, foot - tall * share), (x + wide * 0.5, foot - tall * share)], INK, 5 * size)
    canvas.line([(x - wide * 0.5, foot - tall * 0.3), (x + wide * 0.4, foot - tall * 0.62)], INK, 3 * size)
    canvas.box((x - wide * 0.45, top - 6 * size), (wide * 0.9, 34 * size), INK)
    tip = (x + 250 * size, top - 96 * size)
    canvas.line([(x - 110 * size, top + 8 * size), (x, top - 2 * size), tip], INK, 9 * size)
    mast = (x - 4 * size, top - 92 * size)
    canvas.line([(x - 26 * size, top), mast, (x + 26 * size, top)], INK, 5 * size)
    for end in (tip, (x - 104 * size, top + 6 * size)):
        canvas.line([mast, end], INK, 1.8 * size)
    canvas.line([tip, (tip[0], tip[1] + 150 * size)], INK, 1.6 * size)
    canvas.box((tip[0] - 7 * size, tip[1] + 148 * size), (14 * size, 16 * size), INK)
    canvas.box((x - 134 * size, top - 2 * size), (40 * size, 30 * size), INK)
    canvas.disc(tip, 3 * size, "#ff7a59")
    canvas.glow(tip, 24 * size, "#ff7a59", 0.8)


def _ferry(canvas: Canvas, x: float, water: float) -> None:
    hull = [(x - 14, water - 52), (x + 440, water - 52), (x + 494, water - 66), (x + 452, water), (x + 22, water)]
    with canvas.layer(blur=3) as shade:
        shade.polygon([(x - 10, water), (x + 470, water), (x + 430, water + 46), (x + 30, water + 46)], "#12142b", 0.62)
    canvas.polygon(hull, "#1c2038")
    canvas.polygon(
        [
            (x - 14, water - 52),
            (x + 440, water - 52),
            (x + 494, water - 66),
            (x + 491, water - 58),
            (x + 440, water - 43),
            (x - 10, water - 43),
        ],
        "#c4553f",
    )
    canvas.box((x + 6, water - 88), (404, 37), "#ece3d6", radius=4)
    canvas.box((x + 34, water - 122), (330, 35), "#e2d7cb", radius=4)
    canvas.box((x + 292, water - 150), (62, 29), "#ece3d6", radius=4)
    canvas.polygon(
        [(x + 120, water - 122), (x + 128, water - 172), (x + 176, water - 172), (x + 182, water - 122)], "#c4553f"
    )
    canvas.box((x + 127, water - 172), (50, 12), "#1c2038")
    canvas.line([(x + 322, water - 150), (x + 322, water - 196)], INK, 2.4)
    canvas.glow((x + 200, water - 60), 300, "#ff9a3c", 0.3, 2)
    for row, start, count in ((water - 76, 20, 25), (water - 111, 48, 20)):
        for n in range(count):
            canvas.box((x + start + n * 15.4, row), (9.6, 13), "#f2a93b", radius=2)
    canvas.box((x + 300, water - 144), (48, 11), "#f7c25e", radius=2)
    with canvas.layer(blur=2.2) as shine:
        chance = seeded(17)
        for n in range(26):
            column = x + 26 + n * 15.4
            for _ in range(7):
                y = water + 6 + chance.random() ** 1.3 * 150
                half = chance.uniform(3, 9)
                shine.line([(column - half, y), (column + half, y)], "#ffcf73", 2.2, 0.75 * (1 - (y - water) / 190))


def _quay(canvas: Canvas) -> None:
    canvas.polygon([(0, 640), (640, 634), (664, 652), (664, 664), (0, 700)], "#181a30")
    canvas.polygon([(0, 640), (640, 634), (664, 646), (0, 656)], "#2b2743")
    canvas.polygon([(0, 930), (560, 962), (820, 1000), (0, 1000)], "#0c0d1c")
    for x, y in ((120, 928), (330, 943), (520, 958)):
        canvas.box((x, y - 34), (30, 44), "#0c0d1c", radius=5)
        canvas.disc((x + 15, y - 34), 22, "#0c0d1c", flatten=0.42)
        canvas.disc((x + 15, y - 38), 18, "#4b3a55", flatten=0.3)


def lighthouse() -> Image.Image:
    """Return a lighthouse, upright format, its beam over breaking waves."""
    canvas = Canvas(
        1000,
        1500,
        [(0, "#0d2436"), (0.3, "#1c4a5c"), (0.55, "#4d8583"), (0.7, "#a8b58d"), (0.76, "#f1cf8f"), (1, "#123")],
    )
    chance = seeded(31)
    with canvas.layer() as stars:
        for _ in range(170):
            y = chance.random() ** 1.7 * 620
            stars.disc((chance.uniform(0, 1000), y), chance.uniform(0.7, 1.9), "#eaf6f2", chance.uniform(0.25, 0.9))
    with canvas.layer(blur=14, opacity=0.5) as soft:
        for _ in range(34):
            y = chance.uniform(520, 1080)
            soft.disc(
                (chance.uniform(0, 1000), y),
                chance.uniform(90, 300),
                mix("#2a5766", "#ffe0a8", (y - 520) / 560),
                0.5,
                0.06,
            )
    canvas.glow((230, 1120), 520, "#ffcf86", 0.6, 2)
    lamp = (640.0, 392.0)
    for spread, alpha in ((150, 0.2), (96, 0.3), (44, 0.4)):
        with canvas.layer(blur=10) as beam:
            beam.polygon([lamp, (-60, lamp[1] - 30 - spread), (-60, lamp[1] - 30 + spread)], "#fff1c4", alpha)
            beam.polygon(
                [lamp, (1100, lamp[1] + 34 - spread * 0.55), (1100, lamp[1] + 34 + spread * 0.55)],
                "#fff1c4",
                alpha * 0.6,
            )
    canvas.wash([(0, "#d9c28f"), (0.08, "#6d9389"), (0.4, "#22566a"), (1, "#0b2334")], 1130, 1500)
    canvas.polygon(closed([(x, y + 560) for x, y in ridge(1000, 562, 12, 40)], 1136), "#2b5560", 0.8)
    _tower(canvas)
    canvas.glow(lamp, 300, "#ffe9a8", 0.9, 2.6)
    canvas.glow(lamp, 70, "#fffbe8", 1, 1.6)
    _waves(canvas)
    return canvas.finished(grain=3, seed=12)


def _tower(canvas: Canvas) -> None:
    centre, top, foot = 640, 452, 1180

    def half(y: float) -> float:
        return 48 + 46 * (y - top) / (foot - top)

    def band(low: float, high: float, colour: str, left: float = -1.0, right: float = 1.0) -> None:
        canvas.polygon(
            [
                (centre + left * half(low), low),
                (centre + right * half(low), low),
                (centre + right * half(high), high),
                (centre + left * half(high), high),
            ],
            colour,
        )

    rocks = [
        (300, 1260),
        (380, 1190),
        (450, 1202),
        (506, 1150),
        (590, 1168),
        (700, 1146),
        (786, 1170),
        (858, 1158),
        (930, 1206),
        (1010, 1196),
        (1010, 1400),
        (260, 1400),
    ]
    canvas.polygon(rocks, "#14222d")
    canvas.polygon([(380, 1190), (450, 1202), (420, 1262), (340, 1260)], "#27404a")
    canvas.polygon([(506, 1150), (590, 1168), (560, 1240), (470, 1230)], "#22383f")
    canvas.polygon([(786, 1170), (858, 1158), (880, 1238), (800, 1250)], "#1c303a")
    band(top, foot, "#eee7d8")
    for low, high in ((top + 120, top + 270), (top + 430, top + 590)):
        band(low, high, "#bf3f34")
    for n in range(14):  # the side away from the west lies in shade
        left = -0.1 + n * 0.08
        with canvas.layer() as shade:
            shade.polygon(
                [
                    (centre + left * half(top), top),
                    (centre + half(top), top),
                    (centre + half(foot), foot),
                    (centre + left * half(foot), foot),
                ],
                "#17303d",
                0.05,
            )
    for y in (620, 790, 960):
        canvas.box((centre - 16, y), (17, 34), "#1c3340", radius=8)
        canvas.box((centre - 13, y + 4), (11, 27), "#ffd98a", radius=5)
    canvas.box((centre - 22, foot - 66), (40, 66), "#1c3340", radius=12)
    canvas.box((centre - 74, top - 10), (148, 16), "#22313a", radius=3)
    for n in range(13):
        canvas.line([(centre - 72 + n * 12, top - 40), (centre - 72 + n * 12, top - 8)], "#22313a", 1.6)
    canvas.line([(centre - 74, top - 40), (centre + 74, top - 40)], "#22313a", 3)
    canvas.box((centre - 36, top - 96), (72, 88), "#ffefb8", radius=3)
    for n in range(5):
        canvas.line([(centre - 36 + n * 18, top - 96), (centre - 36 + n * 18, top - 8)], "#22313a", 3)
    canvas.polygon(
        [
            (centre - 50, top - 94),
            (centre + 50, top - 94),
            (centre + 26, top - 132),
            (centre, top - 150),
            (centre - 26, top - 132),
        ],
        "#8e2f2a",
    )
    canvas.line([(centre, top - 150), (centre, top - 190)], "#22313a", 3)


def _waves(canvas: Canvas) -> None:
    chance = seeded(36)
    for n in range(9):
        level = 1190 + n * 36
        outline = [
            (x, y + 9 * math.sin(x / (34 + n * 5) + n)) for x, y in ridge(1000, level, 11 + n * 1.6, 50 + n, step=5)
        ]
        canvas.polygon(closed(outline, 1510), mix("#3a7a83", "#0a2031", n / 8), 0.9)
        with canvas.layer(blur=0.8) as foam:
            for x, y in outline[::2]:
                if chance.random() < 0.34 + 0.3 * math.sin(x / 90 + n):
                    foam.disc(
                        (x, y + chance.uniform(-3, 5)),
                        chance.uniform(1.5, 5.5 + n * 0.5),
                        "#f4f6ea",
                        chance.uniform(0.25, 0.8),
                        0.55,
                    )
    with canvas.layer(blur=1.2) as spray:
        _spray(spray)


def _spray(spray: Brush) -> None:
    chance = seeded(37)
    for _ in range(420):
        angle, reach = chance.uniform(-2.8, -0.6), abs(chance.gauss(0, 74))
        x, y = 372 + reach * math.cos(angle), 1214 + reach * math.sin(angle) * 1.15
        spray.disc((x, y), chance.uniform(0.9, 4.4), "#f6f7ee", chance.uniform(0.15, 0.75))
