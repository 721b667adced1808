"""The settings of the render workers."""

from __future__ import annotations

from pathlib import Path

from shared.runtime.settings import ServiceSettings

_THEMES = Path(__file__).resolve().parent / "themes"


class RenderSettings(ServiceSettings):
    """The folder of the themes; each site names its theme."""

    themes_folder: Path = _THEMES
