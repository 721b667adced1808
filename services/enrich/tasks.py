"""Celery's way into enriching: parse, handle, emit."""

from __future__ import annotations

from typing import Any

from services.enrich import wiring
from services.enrich.handler import handle
from shared.celery_app import emit
from shared.messages import ArticleAccepted
from shared.observability import message_context
from shared.pipeline import ENRICH_ARTICLE

app = wiring.app()


@app.task(name=ENRICH_ARTICLE.task_name)
def enrich_article(payload: dict[str, Any]) -> None:
    """Make the article's latest released revision ready for a page; safe to run twice."""
    message = ArticleAccepted.model_validate(payload)
    with message_context(message):
        emit(app, handle(message, wiring.enrichment()))
