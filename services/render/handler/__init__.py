"""Rendering: an article's page, or a listing, as bytes for the publisher. The same input gives the same bytes."""

from services.render.handler.article import render_article
from services.render.handler.keep import keep_texts
from services.render.handler.listing import render_listing, render_listings
from services.render.handler.rebuild import render_pages
from services.render.handler.renderer import Renderer, page_version

__all__ = [
    "Renderer",
    "keep_texts",
    "page_version",
    "render_article",
    "render_listing",
    "render_listings",
    "render_pages",
]
