"""Draws the pictures of the sample articles. The same code gives the same pixels.

    python -m infra.samples.draw_pictures [NAME …]
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from infra.samples.drawing import coast, land

FOLDER = Path(__file__).resolve().parent / "pictures"
MAX_BYTES = 150_000

SCENES: dict[str, Callable[[], Image.Image]] = {
    "harbour.jpg": coast.harbour,
    "lighthouse.jpg": coast.lighthouse,
    "river.jpg": land.river,
    "solar.jpg": land.solar,
    "terraces.jpg": land.terraces,
}


def encoded(image: Image.Image, kind: str) -> bytes:
    """Return the picture as a file of that kind, at the best quality that stays under the limit."""
    if kind == "png":
        colours = image.quantize(96, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        return _saved(colours, format="PNG", optimize=True)
    options = {"format": "WEBP", "method": 6} if kind == "webp" else {"format": "JPEG", "optimize": True, "progressive": True}
    for quality in range(90, 30, -3):
        data = _saved(image, quality=quality, **options)
        if len(data) <= MAX_BYTES * 0.95:
            return data
    message = f"no {kind} of this picture stays under {MAX_BYTES} bytes"
    raise ValueError(message)


def _saved(image: Image.Image, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, **options)
    return buffer.getvalue()


def main(names: list[str]) -> None:
    """Draw the named pictures, or all."""
    FOLDER.mkdir(exist_ok=True)
    for name in names or SCENES:
        data = encoded(SCENES[name](), name.rsplit(".", 1)[-1])
        (FOLDER / name).write_bytes(data)
        sys.stdout.write(f"{name}: {len(data)} bytes\n")


if __name__ == "__main__":
    main(sys.argv[1:])
