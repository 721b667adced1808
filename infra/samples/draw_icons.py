"""Draw a theme's PNG icons from its icon.svg, for clients that take no SVG.

python -m infra.samples.draw_icons [THEME …]
"""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

from PIL import Image

from infra.samples.svg import drawn

THEMES = Path(__file__).resolve().parents[2] / "services" / "render" / "themes"
MAX_BYTES = 10_000
_MASKABLE_SHARE = 0.56  # this square fits in the circle that every mask leaves visible: 80 % of the width
_APPLE_SHARE = 0.72


def icons_of(theme: Path) -> dict[str, Image.Image]:
    """Return a theme's icons by their names in `assets`.

    Sizes are in pixels. Browsers require 192 and 512 of an installable site (web.dev, "Add a web app manifest"), and
    Apple's devices 180. The maskable icon has a background up to its edge (W3C, Web Application Manifest, "Icon masks
    and safe zone"). So has Apple's icon, because Apple shows transparent pixels in black.
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
    """Draw the icons of the named themes, or of all themes with an icon.svg."""
    with_an_icon = sorted(svg.parents[1] for svg in THEMES.glob("*/assets/icon.svg"))
    for theme in [THEMES / name for name in names] or with_an_icon:
        for name, image in icons_of(theme).items():
            buffer = io.BytesIO()
            image.quantize(64, method=Image.Quantize.FASTOCTREE).save(buffer, format="PNG", optimize=True)
            (theme / "assets" / name).write_bytes(buffer.getvalue())
            sys.stdout.write(f"{theme.name}/{name}: {buffer.tell()} bytes\n")


if __name__ == "__main__":
    main(sys.argv[1:])
