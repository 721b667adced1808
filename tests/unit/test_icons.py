"""Icons: the same picture as their SVG, and room for any mask."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, ImageChops

from infra.samples.draw_icons import MAX_BYTES, THEMES, icons_of

THEMES_WITH_AN_ICON = sorted(svg.parents[1] for svg in THEMES.glob("*/assets/icon.svg"))
_MAX_COLOUR_DIFFERENCE = 24  # of 255: icons have 64 colours


@pytest.fixture(params=THEMES_WITH_AN_ICON, ids=lambda theme: theme.name)
def theme(request: pytest.FixtureRequest) -> Path:
    folder: Path = request.param
    return folder


def load_icon(theme: Path, name: str) -> Image.Image:
    return Image.open(theme / "assets" / name).convert("RGBA")


def test_the_icons_are_drawn_from_their_svg(theme: Path) -> None:
    for name, made in icons_of(theme).items():
        there = load_icon(theme, name)

        assert there.size == made.size, name
        on_paper = [Image.alpha_composite(Image.new("RGBA", each.size, "#fff"), each) for each in (there, made)]
        away = ImageChops.difference(*on_paper).convert("RGB").convert("L")
        assert away.point(lambda value: 255 * (value > _MAX_COLOUR_DIFFERENCE)).getbbox() is None, name


def test_an_icon_is_small(theme: Path) -> None:
    for name in icons_of(theme):
        assert (theme / "assets" / name).stat().st_size < MAX_BYTES, name


def test_only_maskable_icons_have_a_background(theme: Path) -> None:
    clear = {name: load_icon(theme, name).getpixel((0, 0)) == (0, 0, 0, 0) for name in icons_of(theme)}

    assert clear == {"icon-192.png": True, "icon-512.png": True, "icon-maskable.png": False, "icon-apple.png": False}


def test_no_mask_cuts_into_the_icon(theme: Path) -> None:
    """Every mask leaves the middle circle, 80 % as wide as the picture (W3C, "Icon masks and safe zone")."""
    icon = load_icon(theme, "icon-maskable.png")
    ground, middle = icon.getpixel((0, 0)), icon.width / 2

    drawn = [(x, y) for x in range(icon.width) for y in range(icon.height) if icon.getpixel((x, y)) != ground]
    assert drawn
    assert max((x - middle) ** 2 + (y - middle) ** 2 for x, y in drawn) <= (icon.width * 0.4) ** 2
