"""The Celery tasks of enrich: one per step."""

from __future__ import annotations

from services.enrich import wiring
from services.enrich.handler import HANDLERS

app = wiring.app()
app.register(HANDLERS, lambda _: wiring.deps())
