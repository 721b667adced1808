"""Draws a theme's icons for who takes no SVG, from its icon.svg and the colour of its paper.

python -m infra.samples.draw_icons [THEME …]
"""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

from PIL import Image

from infra.samples.drawing.svg import drawn

THEMES = Path(__file__).resolve().parents[2] / "services" / "render" / "themes"
MAX_BYTES = 10_000
_MASKABLE_SHARE = 0.56  # a square of which no corner leaves the circle that every mask spares: 80 % of the width
_APPLE_SHARE = 0.72


def icons_of(theme: Path) -> dict[str, Image.Image]:
    """Return a theme's icons by their names in `assets`.

    Sizes in pixels: 192 and 512 are what browsers ask of a site that can be installed (web.dev, "Add a web app
    manifest"), 180 is what Apple's do. The maskable one has its background to the edge (W3C, Web Application Manifest,
    "Icon masks and safe zone"); so has Apple's, which would be black where it is clear.
    """
    svg = theme / "assets" / "icon.svg"
    paper = re.search(r"--paper: (#\w+)", (theme / "assets" / "tokens.css").read_text(encoding="utf-8"))
    ground = paper[1] if paper else "#ffffff"
    return {
        "icon-192.png": drawn(svg, 192),
        "icon-512.png": drawn(svg, 512),
        "icon-maskable.png": drawn(svg, 512, share=_MASKABLE_SHARE, ground=ground),
        "icon-apple.png": drawn(svg, 180, share=_APPLE_SHARE, ground=ground),
    }


def main(names: list[str]) -> None:
    """Draw the icons of the named themes, or of all that have an icon of their own."""
    with_an_icon = sorted(svg.parents[1] for svg in THEMES.glob("*/assets/icon.svg"))
    for theme in [THEMES / name for name in names] or with_an_icon:
        for name, image in icons_of(theme).items():
            buffer = io.BytesIO()
            image.quantize(64, method=Image.Quantize.FASTOCTREE).save(buffer, format="PNG", optimize=True)
            (theme / "assets" / name).write_bytes(buffer.getvalue())
            sys.stdout.write(f"{theme.name}/{name}: {buffer.tell()} bytes\n")


if __name__ == "__main__":
    main(sys.argv[1:])
