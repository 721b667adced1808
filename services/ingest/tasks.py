"""Celery's way into ingest: parse, handle; accepting emits by itself, as it does behind the endpoint."""

from __future__ import annotations

from typing import Any

from services.ingest import wiring
from services.ingest.handler import handle
from shared.messages import SubmitArticle
from shared.observability import message_context
from shared.pipeline import SUBMIT_ARTICLE

app = wiring.app()


@app.task(name=SUBMIT_ARTICLE.task_name)
def read_submission(payload: dict[str, Any]) -> None:
    """Read a stored submission and accept it; safe to run twice."""
    message = SubmitArticle.model_validate(payload)
    with message_context(message):
        handle(message, wiring.worker_intake())
