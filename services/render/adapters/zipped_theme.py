"""A theme as a zip: its folder, the folders that it inherits from, and its name as the zip's comment."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZipFile

from services.render.adapters.minijinja_theme import MinijinjaTheme


def unzipped_theme(archive: bytes) -> MinijinjaTheme:
    """Return the theme; no file stays on the disk, because a theme is read once."""
    with TemporaryDirectory(prefix="pressline-theme-") as folder:
        with ZipFile(BytesIO(archive)) as files:
            files.extractall(folder)
            name = files.comment.decode()
        return MinijinjaTheme(Path(folder) / name)
