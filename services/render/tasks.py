"""Celery's way into rendering: parse, handle, emit."""

from __future__ import annotations

from typing import Any

from services.render import wiring
from services.render.handler import keep_texts, render_article, render_listing, render_listings, render_pages
from shared.celery_app import emit
from shared.messages import ArticleEnriched, KeepTexts, ListingsStale, ListingStale, RebuildPages
from shared.observability import message_context
from shared.pipeline import KEEP_TEXTS, REBUILD_PAGES, RENDER_ARTICLE, RENDER_LISTING, RENDER_LISTINGS

app = wiring.app()


@app.task(name=RENDER_ARTICLE.task_name)
def render_enriched_article(payload: dict[str, Any]) -> None:
    """Render an article's page; safe to run twice."""
    message = ArticleEnriched.model_validate(payload)
    with message_context(message):
        emit(app, render_article(message, wiring.renderer(message.site)))


@app.task(name=RENDER_LISTING.task_name)
def render_stale_listing(payload: dict[str, Any]) -> None:
    """Render a listing; safe to run twice."""
    message = ListingStale.model_validate(payload)
    with message_context(message):
        emit(app, render_listing(message, wiring.renderer(message.site)))


@app.task(name=RENDER_LISTINGS.task_name)
def render_stale_listings(payload: dict[str, Any]) -> None:
    """Render several listings; safe to run twice."""
    message = ListingsStale.model_validate(payload)
    with message_context(message):
        emit(app, render_listings(message, wiring.renderer(message.site)))


@app.task(name=REBUILD_PAGES.task_name)
def render_piece(payload: dict[str, Any]) -> None:
    """Render a piece, of a rebuild or of what is behind; safe to run twice."""
    message = RebuildPages.model_validate(payload)
    with message_context(message):
        emit(app, render_pages(message, wiring.renderer(message.site)))


@app.task(name=KEEP_TEXTS.task_name)
def keep_texts_of_shelf(payload: dict[str, Any]) -> None:
    """Lay texts together; safe to run twice."""
    message = KeepTexts.model_validate(payload)
    with message_context(message):
        emit(app, keep_texts(message, wiring.renderer(message.site)))
