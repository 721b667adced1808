"""What an operator may set of the render workers."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from shared.settings import ServiceSettings

_THEMES = Path(__file__).resolve().parent / "themes"


class RenderSettings(ServiceSettings):
    """Where the themes are; each site names its own."""

    # Between two pieces of a rebuild one child waits, for the store and for its next message; and news would wait for
    # the piece.
    concurrency: int = Field(default=2, ge=1, le=64)
    themes_folder: Path = _THEMES
