"""Celery's way into enriching: a task of each step."""

from __future__ import annotations

from services.enrich import wiring
from services.enrich.handler import HANDLERS

app = wiring.app()
app.register(HANDLERS, lambda _: wiring.deps())
