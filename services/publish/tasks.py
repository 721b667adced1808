"""The Celery tasks of publish: one per step."""

from __future__ import annotations

from services.publish import wiring
from services.publish.handler import HANDLERS

app = wiring.app()
app.register(HANDLERS, wiring.deps)
