"""Renders articles' pages and listings to bytes for the publisher. The same input gives the same bytes."""

from services.render.handler.articles import render_articles
from services.render.handler.deps import RenderDeps, page_version
from services.render.handler.listing import render_listings
from shared.messaging.handling import Handlers
from shared.messaging.pipeline import RENDER_ARTICLES, RENDER_LISTINGS

HANDLERS: Handlers = {RENDER_ARTICLES: render_articles, RENDER_LISTINGS: render_listings}

__all__ = ["HANDLERS", "RenderDeps", "page_version", "render_articles", "render_listings"]
