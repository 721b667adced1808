"""Celery tasks of ingest, one for each row of the handler table."""

from __future__ import annotations

from services.ingest import wiring
from services.ingest.handler import HANDLERS

app = wiring.app()
app.register(HANDLERS, lambda _: wiring.worker_deps())
