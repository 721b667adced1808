"""The Celery tasks of render: one per step."""

from __future__ import annotations

from services.render import wiring
from services.render.handler import HANDLERS

app = wiring.app()
app.register(HANDLERS, wiring.deps)
