"""Celery's way into publishing: parse, handle, emit."""

from __future__ import annotations

from typing import Any

from services.publish import wiring
from services.publish.handler import (
    clear_away,
    enter_listings,
    keep_records,
    mend_path,
    publish_listings,
    publish_page,
    publish_pages,
    remove_article,
)
from shared.celery_app import emit
from shared.messages import (
    ArticlePublished,
    ArticleRemoved,
    KeepRecords,
    ListingsRendered,
    MendPath,
    PageRendered,
    PagesRendered,
)
from shared.observability import message_context
from shared.pipeline import (
    KEEP_RECORDS,
    LIST_ARTICLE,
    MEND_PATH,
    PUBLISH_LISTINGS,
    PUBLISH_PAGE,
    PUBLISH_PAGES,
    REMOVE_ARTICLE,
)

app = wiring.app()


@app.task(name=PUBLISH_PAGE.task_name)
def publish_rendered_page(payload: dict[str, Any]) -> None:
    """Put a page before readers; safe to run twice."""
    message = PageRendered.model_validate(payload)
    with message_context(message):
        emit(app, publish_page(message, wiring.publisher(message.site)))


@app.task(name=LIST_ARTICLE.task_name)
def list_published_article(payload: dict[str, Any]) -> None:
    """Let a live article enter the listings; safe to run twice."""
    message = ArticlePublished.model_validate(payload)
    with message_context(message):
        emit(app, enter_listings(message, wiring.publisher(message.site)))


@app.task(name=REMOVE_ARTICLE.task_name)
def remove_published_article(payload: dict[str, Any]) -> None:
    """Take an article down; safe to run twice."""
    message = ArticleRemoved.model_validate(payload)
    with message_context(message):
        emit(app, remove_article(message, wiring.publisher(message.site)))


@app.task(name=MEND_PATH.task_name)
def mend_public_path(payload: dict[str, Any]) -> None:
    """Mend what is not as it should be at a path; safe to run twice."""
    message = MendPath.model_validate(payload)
    with message_context(message):
        emit(app, mend_path(message, wiring.publisher(message.site)))


@app.task(name=PUBLISH_PAGES.task_name)
def publish_piece(payload: dict[str, Any]) -> None:
    """Put a piece, of a rebuild or of what is behind, before readers; safe to run twice."""
    message = PagesRendered.model_validate(payload)
    with message_context(message):
        publisher = wiring.publisher(message.site)
        emit(app, publish_pages(message, publisher))
        clear_away(message, publisher)


@app.task(name=PUBLISH_LISTINGS.task_name)
def publish_rendered_listings(payload: dict[str, Any]) -> None:
    """Put several listings before readers; safe to run twice."""
    message = ListingsRendered.model_validate(payload)
    with message_context(message):
        emit(app, publish_listings(message, wiring.publisher(message.site)))


@app.task(name=KEEP_RECORDS.task_name)
def keep_records_of_shelf(payload: dict[str, Any]) -> None:
    """Lay records together; safe to run twice."""
    message = KeepRecords.model_validate(payload)
    with message_context(message):
        keep_records(message, wiring.publisher(message.site))
