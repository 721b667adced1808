"""Celery's way into ingest: a task for each row of the table of handlers."""

from __future__ import annotations

from services.ingest import wiring
from services.ingest.handler import HANDLERS

app = wiring.app()
app.register(HANDLERS, lambda _: wiring.worker_deps())
