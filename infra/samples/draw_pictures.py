"""Draws the pictures of the sample articles. The same code gives the same pixels.

python -m infra.samples.draw_pictures [NAME …]
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from infra.samples.drawing import coast, flat, land, night

FOLDER = Path(__file__).resolve().parent / "pictures"
MAX_BYTES = 150_000

SCENES: dict[str, Callable[[], Image.Image]] = {
    "harbour.jpg": coast.harbour,
    "lighthouse.jpg": coast.lighthouse,
    "river.jpg": land.river,
    "solar.jpg": land.solar,
    "terraces.jpg": land.terraces,
    "telescope.jpg": night.telescope,
    "tram.jpg": night.tram,
    "kites.jpg": night.kites,
    "markets.webp": flat.markets,
    "library.png": flat.library,
    "track.jpg": flat.track,
}


def encoded(image: Image.Image, kind: str) -> bytes:
    """Return the picture as a file of that kind, at the best quality that stays under the limit."""
    if kind == "png":
        buffer = io.BytesIO()
        colours = image.quantize(96, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        colours.save(buffer, format="PNG", optimize=True)
        return buffer.getvalue()
    for quality in range(90, 30, -3):
        buffer = io.BytesIO()
        if kind == "webp":
            image.save(buffer, format="WEBP", method=6, quality=quality)
        else:
            image.save(buffer, format="JPEG", optimize=True, progressive=True, quality=quality)
        if buffer.tell() <= MAX_BYTES * 0.95:
            return buffer.getvalue()
    message = f"no {kind} of this picture stays under {MAX_BYTES} bytes"
    raise ValueError(message)


def main(names: list[str]) -> None:
    """Draw the named pictures, or all."""
    FOLDER.mkdir(exist_ok=True)
    for name in names or SCENES:
        data = encoded(SCENES[name](), name.rsplit(".", 1)[-1])
        (FOLDER / name).write_bytes(data)
        sys.stdout.write(f"{name}: {len(data)} bytes\n")


if __name__ == "__main__":
    main(sys.argv[1:])
