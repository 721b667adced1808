"""What the drawn icons promise: the same picture as the SVG they are drawn from, and room for any mask."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, ImageChops

from infra.samples.draw_icons import MAX_BYTES, THEMES, icons_of

THEMES_WITH_AN_ICON = sorted(svg.parents[1] for svg in THEMES.glob("*/assets/icon.svg"))
_MOST_DIFFERENT = 24  # of 255: they are kept in 64 colours


@pytest.fixture(params=THEMES_WITH_AN_ICON, ids=lambda theme: theme.name)
def theme(request: pytest.FixtureRequest) -> Path:
    folder: Path = request.param
    return folder


def kept(theme: Path, name: str) -> Image.Image:
    return Image.open(theme / "assets" / name).convert("RGBA")


def test_the_icons_are_those_that_their_svg_makes(theme: Path) -> None:
    for name, made in icons_of(theme).items():
        there = kept(theme, name)

        assert there.size == made.size, name
        on_paper = [Image.alpha_composite(Image.new("RGBA", each.size, "#fff"), each) for each in (there, made)]
        away = ImageChops.difference(*on_paper).convert("RGB").convert("L")
        assert away.point(lambda value: 255 * (value > _MOST_DIFFERENT)).getbbox() is None, name


def test_an_icon_is_small(theme: Path) -> None:
    for name in icons_of(theme):
        assert (theme / "assets" / name).stat().st_size < MAX_BYTES, name


def test_only_what_is_masked_has_a_ground(theme: Path) -> None:
    clear = {name: kept(theme, name).getpixel((0, 0)) == (0, 0, 0, 0) for name in icons_of(theme)}

    assert clear == {"icon-192.png": True, "icon-512.png": True, "icon-maskable.png": False, "icon-apple.png": False}


def test_no_mask_cuts_into_the_icon(theme: Path) -> None:
    """Every mask leaves the middle circle, 80 % as wide as the picture (W3C, "Icon masks and safe zone")."""
    icon = kept(theme, "icon-maskable.png")
    ground, middle = icon.getpixel((0, 0)), icon.width / 2

    drawn = [(x, y) for x in range(icon.width) for y in range(icon.height) if icon.getpixel((x, y)) != ground]
    assert drawn
    assert max((x - middle) ** 2 + (y - middle) ** 2 for x, y in drawn) <= (icon.width * 0.4) ** 2
