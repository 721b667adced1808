"""After dark: an observatory under turning stars, a tram in the rain, kites with lanterns."""

# ruff: noqa: PLR2004 in a drawing the numbers are the drawing

from __future__ import annotations

import math
from itertools import pairwise

from PIL import Image

from infra.samples.drawing.canvas import Brush, Canvas, Point, closed, curve, mix, ridge, seeded

POLE = (1130.0, 210.0)


def telescope() -> Image.Image:
    """Return a dome on a ridge below star trails and a comet."""
    canvas = Canvas(
        1600,
        1000,
        [(0, "#070b1f"), (0.35, "#14224a"), (0.6, "#2f4372"), (0.78, "#7a6a8d"), (0.88, "#d99a83"), (1, "#f4c98e")],
    )
    _trails(canvas)
    _comet(canvas)
    canvas.glow((420, 900), 620, "#ff9d6b", 0.4, 2)
    for level, swing, seed, colour in ((760, 42, 91, "#4d4a72"), (800, 40, 92, "#353659"), (850, 30, 93, "#232543")):
        canvas.polygon(closed(ridge(1600, level, swing, seed), 1010), colour)
        with canvas.layer(blur=22, opacity=0.4) as mist:
            mist.box((-60, level + 46), (1720, 30), "#c99a94", 0.7)
    crest: list[Point] = [
        (
            x,
            1010
            - 270 * math.exp(-(((x - 560) / 430) ** 2))
            - 90 * math.exp(-(((x - 1380) / 300) ** 2))
            + 8 * math.sin(x / 37),
        )
        for x in range(-10, 1620, 8)
    ]
    canvas.polygon(closed(crest, 1010), "#10122a")
    _firs(canvas, crest)
    _dome(canvas, 560, 752)
    return canvas.finished(grain=3, seed=16, vignette=0.25)


def _trails(canvas: Canvas) -> None:
    chance = seeded(94)
    for blur, count in ((0.6, 430), (0.0, 260)):
        with canvas.layer(blur=blur, opacity=0.85) as sky:
            for _ in range(count):
                radius = 18 + chance.random() ** 0.7 * 1250
                start = chance.uniform(0, 360)
                if POLE[1] + radius * math.sin(math.radians(start + 12)) > 800:
                    continue
                colour = mix(
                    chance.choice(("#dfe9ff", "#fff0d2", "#bcd0ff", "#ffd9c2")), "#2a3a69", chance.uniform(0, 0.7)
                )
                sky.arc(POLE, radius, (start, start + 24), colour, chance.choice((0.5, 1, 1, 1.5)))
    canvas.disc(POLE, 2.6, "#ffffff")


def _comet(canvas: Canvas) -> None:
    head, tail = (300.0, 210.0), (-0.82, -0.57)
    with canvas.layer(blur=7, opacity=0.8) as light:
        for n in range(60):
            reach = 6 * n
            width = 3 + n * 0.75
            place = (head[0] - tail[0] * reach * 1.02, head[1] + tail[1] * reach)
            light.disc(place, width, mix("#dffaff", "#5b7ac0", n / 60), 0.3 * (1 - n / 60))
    canvas.glow(head, 90, "#bff3ff", 0.9, 2.4)
    canvas.disc(head, 5, "#ffffff")


def _firs(canvas: Canvas, crest: list[Point]) -> None:
    chance = seeded(95)
    for x, y in crest:
        if 380 < x < 770 or chance.random() < 0.35:
            continue
        tall = chance.uniform(22, 62)
        for step in range(3):
            wide, top = tall * (0.17 + 0.07 * step), y + 8 - tall * (1 - step * 0.28)
            canvas.polygon([(x - wide, top + tall * 0.44), (x, top), (x + wide, top + tall * 0.44)], "#0b0d20")


def _dome(canvas: Canvas, x: float, foot: float) -> None:
    radius = 128.0
    canvas.box((x - 112, foot - 70), (224, 84), "#c9c2cf")
    canvas.box((x - 112, foot - 70), (80, 84), "#e5ddde")
    canvas.box((x + 40, foot - 70), (72, 84), "#8f8ba8")
    for n in range(6):
        canvas.box((x - 96 + n * 36, foot - 46), (13, 26), "#ffcf7a" if n in {1, 2, 4} else "#4a4a70", radius=2)
    canvas.box((x - 136, foot - 82), (272, 14), "#6d6a88", radius=3)
    half = [
        (x + radius * math.cos(math.radians(a)), foot - 82 - radius * math.sin(math.radians(a)))
        for a in range(0, 181, 3)
    ]
    canvas.polygon(half, "#d9d3dc")
    for n in range(9):  # the side away from the afterglow
        shade = [
            (
                x + radius * math.cos(math.radians(a)) * (1 if math.cos(math.radians(a)) > 0 else 0.02 + n * 0.02),
                foot - 82 - radius * math.sin(math.radians(a)),
            )
            for a in range(0, 181, 3)
        ]
        canvas.polygon([(max(u, x - 20 + n * 15), v) for u, v in shade], "#3a3a66", 0.1)
    for place in (-0.72, -0.4, 0.42, 0.74):
        rib = [
            (x + place * radius * math.sin(math.radians(a)), foot - 82 - radius * math.cos(math.radians(a)))
            for a in range(0, 91, 5)
        ]
        canvas.line(rib, "#77738f", 1.6, 0.7)
    slit = [(x - 24 + t * 8, foot - 82 - math.sqrt(max(0, radius**2 - (24 - t * 8) ** 2)) - 3) for t in range(7)]
    canvas.polygon([(x - 24, foot - 84), *slit, (x + 24, foot - 84)], "#ff9f4d")
    canvas.polygon(
        [(x - 15, foot - 84), (x - 15, foot - 200), (x + 15, foot - 200), (x + 15, foot - 84)], "#ffdd9a", 0.85
    )
    with canvas.layer() as tube:
        tube.line([(x - 14, foot - 92), (x + 46, foot - 232)], "#1c1d38", 30)
        tube.line([(x + 40, foot - 218), (x + 50, foot - 241)], "#2f3157", 38)
        tube.line([(x - 20, foot - 96), (x + 34, foot - 222)], "#5a5c86", 4)
    canvas.glow((x, foot - 150), 250, "#ff9d4a", 0.55, 2.2)
    canvas.box((x - 190, foot - 30), (80, 50), "#3a3858")
    canvas.polygon([(x - 198, foot - 30), (x - 150, foot - 56), (x - 102, foot - 30)], "#25254a")
    canvas.box((x - 164, foot - 18), (16, 18), "#ffcf7a")


def tram() -> Image.Image:
    """Return a lit tram between tall houses, doubled by the wet street."""
    canvas = Canvas(1600, 1000, [(0, "#0f1a2c"), (0.35, "#21354d"), (0.6, "#5a6474"), (0.68, "#c59a78"), (1, "#222")])
    canvas.glow((800, 600), 560, "#ffbf7e", 0.6, 1.8)
    _far_houses(canvas)
    for side in (-1, 1):
        _street_side(canvas, side)
    canvas.wash([(0, "#8a7566"), (0.1, "#3c4150"), (1, "#10151f")], 664, 1000)
    _tram_front(canvas)
    canvas.mirror(392, 272, at_y=664, opacity=0.72, blur=3)
    _tram_reflection(canvas)
    _rails(canvas)
    _lamps(canvas)
    _rain(canvas)
    return canvas.finished(grain=3, seed=17, vignette=0.28)


def _far_houses(canvas: Canvas) -> None:
    chance = seeded(101)
    for n in range(16):
        x, tall = 500 + n * 40, chance.uniform(60, 190)
        canvas.box((x, 664 - tall), (42, tall), mix("#6d6570", "#9c7f74", chance.random()))
        for k in range(int(tall / 22)):
            if chance.random() < 0.6:
                canvas.box((x + 8 + 16 * (k % 2), 664 - tall + 9 + k * 21), (7, 10), "#ffd792", 0.85)
    canvas.polygon([(905, 664), (905, 400), (932, 330), (959, 400), (959, 664)], "#6b6675")
    canvas.disc((932, 430), 14, "#ffe4ae")


def _street_side(canvas: Canvas, side: int) -> None:
    """Fronts in perspective: they shrink towards a point in the middle of the horizon."""
    chance = seeded(102 + side)
    edges = [0.0, 0.2, 0.38, 0.53, 0.66, 0.77, 0.86, 0.93]
    tints = ("#3b4a5e", "#59484f", "#2f4a52", "#6a5347", "#3d3f59", "#4f5a55", "#5c4b58")

    def place(depth: float, height: float) -> Point:
        x = -40 + depth * 640
        return (x if side < 0 else 1600 - x), 664 + (1 - depth) * 44 - height * (1 - depth * 0.86)

    for (near, far), tint in zip(pairwise(edges), tints, strict=True):
        tall = chance.uniform(700, 860)
        canvas.polygon([place(near, 0), place(near, tall), place(far, tall), place(far, 0)], tint)
        canvas.polygon(
            [place(near, tall), place(near, tall + 26), place(far, tall + 26), place(far, tall)],
            mix(tint, "#0b1018", 0.5),
        )
        _windows(canvas, place, (near, far), tall, tint, chance.randint(0, 10_000))
        shop = [place(near + (far - near) * t, h) for t, h in ((0.1, 20), (0.1, 128), (0.9, 128), (0.9, 20))]
        canvas.polygon(shop, "#ffc069", 0.92)
        canvas.polygon(
            [place(near + (far - near) * t, h) for t, h in ((0.04, 132), (0.04, 160), (0.96, 160), (0.96, 132))],
            chance.choice(("#a33d34", "#2b6a66", "#c98a35", "#3b4f86")),
        )
        centre = place((near + far) / 2, 70)
        canvas.glow(centre, 150 * (1 - near * 0.8), "#ffab4f", 0.4)


def _windows(canvas: Canvas, place: object, edges: tuple[float, float], tall: float, tint: str, seed: int) -> None:
    chance = seeded(seed)
    near, far = edges
    assert callable(place)  # noqa: S101
    for floor in range(int((tall - 210) / 112)):
        base = 200 + floor * 112
        for column in range(3):
            a, b = near + (far - near) * (0.12 + column * 0.28), near + (far - near) * (0.30 + column * 0.28)
            frame = [place(a, base), place(a, base + 72), place(b, base + 72), place(b, base)]
            canvas.polygon(frame, mix(tint, "#0a0f18", 0.55))
            if chance.random() < 0.46:
                canvas.polygon(
                    frame, chance.choice(("#ffd588", "#ffc36b", "#f7e0ad", "#e8a45c")), chance.uniform(0.65, 1)
                )
                canvas.line(
                    [place((a + b) / 2, base), place((a + b) / 2, base + 72)],
                    mix(tint, "#0a0f18", 0.4),
                    2.2 * (1 - near),
                )
            canvas.polygon(
                [place(a, base - 8), place(a, base), place(b, base), place(b, base - 8)], mix(tint, "#cfd6dc", 0.3)
            )


def _tram_front(canvas: Canvas) -> None:
    left, top, wide = 640.0, 330.0, 320.0
    with canvas.layer(blur=6) as shade:
        shade.box((left - 6, 690), (wide + 12, 30), "#05070c", 0.8, radius=14)
    canvas.box((left, top), (wide, 376), "#7c1f22", radius=46)
    canvas.box((left + 6, top + 4), (wide - 12, 364), "#b42f2d", radius=42)
    canvas.box((left + 6, top + 4), (wide - 12, 196), "#efe2c6", radius=42)
    canvas.box((left + 6, top + 176), (wide - 12, 30), "#efe2c6")
    canvas.box((left + 24, top + 66), (wide - 48, 128), "#1c2a36", radius=14)
    canvas.box((left + 30, top + 72), (wide - 60, 116), "#ffd98f", radius=10)
    canvas.polygon(
        [(left + 30, top + 188), (left + 140, top + 72), (left + 196, top + 72), (left + 88, top + 188)], "#fff4d4", 0.6
    )
    for x in (left + 112, left + 206):
        canvas.line([(x, top + 70), (x, top + 190)], "#1c2a36", 5)
    canvas.disc((left + 86, top + 140), 17, "#3a3036")
    canvas.box((left + 62, top + 154), (48, 34), "#3a3036", radius=14)
    canvas.box((left + 78, top + 22), (wide - 156, 32), "#1c2a36", radius=8)
    canvas.box((left + 92, top + 31), (wide - 184, 14), "#ffb52e", radius=5)
    canvas.line([(left + 8, top + 226), (left + wide - 8, top + 226)], "#e8c26a", 5)
    canvas.box((left + 26, top + 346), (wide - 52, 24), "#1d1a20", radius=8)
    for x in (left + 62, left + wide - 62):
        canvas.disc((x, top + 282), 27, "#7c1f22")
        canvas.disc((x, top + 282), 21, "#fffbe6")
        canvas.glow((x, top + 282), 210, "#fff0bd", 0.85, 2.6)
    canvas.line([(800, top), (768, top - 44), (800, top - 84), (832, top - 44), (800, top)], "#0d131d", 4)
    canvas.line([(752, top - 86), (848, top - 86)], "#0d131d", 5)
    with canvas.layer() as wires:
        wires.line([(800, top - 88), (560, -20)], "#0d131d", 2.2)
        wires.line([(800, top - 88), (1040, -20)], "#0d131d", 2.2)
        wires.line(curve([(0, 190), (420, 226), (800, top - 88), (1180, 226), (1600, 190)]), "#0d131d", 1.6)
    canvas.glow((800, top - 88), 60, "#bfe6ff", 0.8, 2.4)


def _tram_reflection(canvas: Canvas) -> None:
    with canvas.layer(blur=9, opacity=0.75) as wet:
        wet.box((654, 712), (292, 120), "#b42f2d", 0.75)
        wet.box((664, 830), (272, 110), "#e2cfa8", 0.5)
        for lamp in (702, 898):
            wet.box((lamp - 20, 716), (40, 284), "#fff3c9", 0.85)
        wet.box((690, 850), (220, 70), "#ffd98f", 0.5)
    chance = seeded(105)
    with canvas.layer(blur=1) as cuts:
        for _ in range(520):
            depth = chance.random() ** 1.2
            x, y, length = chance.uniform(0, 1600), 676.0 + depth * 330, 8 + depth * 60
            cuts.line(
                [(x - length, y), (x + length, y)],
                chance.choice(("#0c111a", "#0c111a", "#f5c98c")),
                1 + depth * 2,
                chance.uniform(0.08, 0.3),
            )


def _rails(canvas: Canvas) -> None:
    for bottom, top in ((560, 716), (1040, 884)):
        with canvas.layer() as steel:
            steel.polygon([(top - 3, 706), (top + 3, 706), (bottom + 13, 1000), (bottom - 13, 1000)], "#0a0d13", 0.8)
            steel.polygon([(top - 1, 706), (top + 1.6, 706), (bottom + 6, 1000), (bottom - 3, 1000)], "#f1dcb8", 0.75)


def _lamps(canvas: Canvas) -> None:
    for x, top, foot, size in (
        (300, 400, 790, 1.0),
        (1300, 400, 790, 1.0),
        (470, 500, 720, 0.6),
        (1130, 500, 720, 0.6),
    ):
        canvas.line([(x, top), (x, foot)], "#0a0f17", 8 * size)
        canvas.disc((x, top), 17 * size, "#fff1cc")
        canvas.glow((x, top), 190 * size, "#ffcf83", 0.8, 2.4)
        with canvas.layer(blur=8) as wet:
            wet.box((x - 12 * size, foot + 10), (24 * size, 190 * size), "#ffd695", 0.5)


def _rain(canvas: Canvas) -> None:
    chance = seeded(106)
    with canvas.layer(blur=0.5) as drops:
        for _ in range(620):
            x, y, length = chance.uniform(-20, 1620), chance.uniform(-30, 1000), chance.uniform(14, 52)
            drops.line([(x, y), (x - length * 0.16, y + length)], "#e6eef5", 1.1, chance.uniform(0.06, 0.3))
        for _ in range(160):
            x, y = chance.uniform(0, 1600), chance.uniform(720, 995)
            drops.disc((x, y), chance.uniform(2, 8), "#f6e4c5", 0.16, 0.3)


def kites() -> Image.Image:
    """Return paper kites with tails and lanterns over the roofs of a town."""
    canvas = Canvas(
        1600,
        1000,
        [(0, "#1a1747"), (0.3, "#3d2a72"), (0.55, "#8c4387"), (0.76, "#e0767c"), (0.9, "#fbb37e"), (1, "#ffd9a0")],
    )
    chance = seeded(111)
    with canvas.layer() as stars:
        for _ in range(150):
            stars.disc(
                (chance.uniform(0, 1600), chance.random() ** 1.6 * 520),
                chance.uniform(0.6, 1.7),
                "#fff3e2",
                chance.uniform(0.2, 0.8),
            )
    canvas.glow((1290, 210), 240, "#fff0cf", 0.5, 2)
    canvas.disc((1290, 210), 62, "#fff4dc")
    for place, size in (((1272, 196), 14), ((1310, 226), 9), ((1302, 186), 6)):
        canvas.disc(place, size, "#f1dcc2", 0.8)
    canvas.glow((700, 930), 760, "#ffb27a", 0.45, 2)
    spots = (
        (240, 420, 62),
        (430, 190, 84),
        (640, 470, 48),
        (760, 260, 104),
        (930, 560, 40),
        (1060, 390, 66),
        (1180, 610, 34),
        (1450, 480, 54),
        (560, 640, 30),
        (120, 640, 30),
        (1010, 130, 44),
        (330, 600, 26),
    )
    for x, y, size in sorted(spots, key=lambda spot: spot[2]):
        _kite(canvas, (x, y), size, chance.randint(0, 9999))
    _roofs(canvas)
    return canvas.finished(grain=3, seed=18)


PAPERS = (
    ("#ff5d52", "#ffc93c"),
    ("#2ec4b6", "#fdf0d5"),
    ("#ffd166", "#ef476f"),
    ("#f78c6b", "#fff3d6"),
    ("#62b6f0", "#ffe066"),
    ("#ff8fa3", "#5f4bb6"),
)


def _kite(canvas: Canvas, centre: Point, size: float, seed: int) -> None:
    chance = seeded(seed)
    one, two = PAPERS[seed % len(PAPERS)]
    lean = chance.uniform(-0.5, 0.3)
    cos, sin = math.cos(lean), math.sin(lean)

    def put(u: float, v: float) -> Point:
        return centre[0] + (u * cos - v * sin) * size, centre[1] + (u * sin + v * cos) * size

    ground = (centre[0] + chance.uniform(-240, 60), 930.0)
    sag = ((centre[0] + ground[0]) / 2 + 60, (centre[1] + ground[1]) / 2 + 70)
    string = curve([centre, sag, ground], 24)
    canvas.line(string, "#fff2dc", 1.0, 0.5)
    for point in string[5:-3:5]:
        canvas.glow(point, 13 + size * 0.34, "#ffbb5c", 0.75, 2)
        canvas.disc(point, 1.8 + size * 0.036, "#fff0c4")
    tail = curve([put(0, 1.25), put(-0.3, 1.9), put(0.25, 2.5), put(-0.2, 3.1), put(0.2, 3.7)], 12)
    canvas.line(tail, one, max(1.2, size * 0.035))
    for n, (x, y) in enumerate(tail[6::7]):
        wide = size * 0.16
        canvas.polygon([(x - wide, y - wide * 0.6), (x, y), (x - wide, y + wide * 0.6)], two if n % 2 else one)
        canvas.polygon([(x + wide, y - wide * 0.6), (x, y), (x + wide, y + wide * 0.6)], two if n % 2 else one)
    top, left, right, low, mid = put(0, -1), put(-0.82, 0), put(0.82, 0), put(0, 1.25), put(0, 0)
    canvas.polygon([top, left, mid], one)
    canvas.polygon([top, right, mid], two)
    canvas.polygon([low, left, mid], mix(two, "#7a2f66", 0.16))
    canvas.polygon([low, right, mid], mix(one, "#7a2f66", 0.22))
    canvas.disc(mid, size * 0.2, "#fff6e6", 0.92)
    canvas.disc(mid, size * 0.11, one)
    canvas.line([top, low], "#3d2146", max(1.0, size * 0.018), 0.7)
    canvas.line([left, right], "#3d2146", max(1.0, size * 0.018), 0.7)


def _roofs(canvas: Canvas) -> None:
    chance = seeded(113)
    for level, colour in ((880, "#6b2f63"), (916, "#431f50"), (954, "#22123a")):
        x = -40.0
        while x < 1640:
            wide, tall = chance.uniform(60, 150), chance.uniform(10, 74)
            canvas.box((x, level - tall), (wide, 400), colour)
            kind = chance.random()
            if kind < 0.22:
                _cupola(canvas, (x + wide / 2, level - tall), wide * 0.3, colour)
            elif kind < 0.6:
                canvas.polygon(
                    [(x - 5, level - tall), (x + wide / 2, level - tall - wide * 0.26), (x + wide + 5, level - tall)],
                    colour,
                )
            for _ in range(chance.randint(0, 4)):
                spot = (x + chance.uniform(8, wide - 14), level - tall + chance.uniform(10, 60))
                canvas.box(spot, (7, 11), "#ffc872", 0.95, radius=2)
            x += wide + chance.uniform(-6, 16)


def _cupola(canvas: Brush, foot: Point, radius: float, colour: str) -> None:
    canvas.disc(foot, radius, colour, flatten=1.15)
    canvas.line([(foot[0], foot[1] - radius), (foot[0], foot[1] - radius * 1.9)], colour, 3)
