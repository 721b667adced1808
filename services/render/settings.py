"""What an operator may set of the render workers."""

from __future__ import annotations

from pathlib import Path

from shared.runtime.settings import ServiceSettings

_THEMES = Path(__file__).resolve().parent / "themes"


class RenderSettings(ServiceSettings):
    """Where the themes are; each site names its own."""

    themes_folder: Path = _THEMES
