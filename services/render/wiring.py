"""The only place of render that builds clients and picks adapters. Built on first use, so in each worker's child."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from os import getpid
from socket import gethostname

from services.render.adapters.minijinja_theme import MinijinjaTheme
from services.render.handler import Renderer
from services.render.ports import Theme
from services.render.settings import RenderSettings
from shared.celery_app import PresslineCelery, create_app
from shared.dead_letters import DeadLetters
from shared.history import StoredRevisions
from shared.index.redis import RedisIndex
from shared.marks.redis import RedisMarks
from shared.receipts.redis import RedisReceipts
from shared.redis_client import redis_client
from shared.sites import Site, load_sites
from shared.storage.s3 import S3ObjectStorage, s3_client


@cache
def settings() -> RenderSettings:
    """Return the settings, read once."""
    return RenderSettings()


@cache
def app() -> PresslineCelery:
    """Return render's Celery app."""
    return create_app("render", settings(), dead_letters)


@cache
def dead_letters() -> DeadLetters:
    """Return where render's dead letters go."""
    marks = RedisMarks(redis_client(settings()))
    return DeadLetters("render", renderer().content, renderer().receipts, marks)


@cache
def renderer() -> Renderer:
    """Return what the handlers need."""
    client, redis = s3_client(settings()), redis_client(settings())
    content = S3ObjectStorage(client, settings().content_bucket)
    sites = load_sites(settings().sites_folder, settings().base_url)
    for site in sites.values():
        theme_of(site)  # a site without its theme stops the worker at its start
    return Renderer(
        content=content,
        public=S3ObjectStorage(client, settings().public_bucket),
        revisions=StoredRevisions(content),
        index=RedisIndex(redis),
        receipts=RedisReceipts(redis),
        sites=sites,
        theme_of=theme_of,
        clock=lambda: datetime.now(UTC),
        name=f"{gethostname()}/{getpid()}",
        kept_assets=set(),
    )


def theme_of(site: Site) -> Theme:
    """Return the theme that a site names."""
    return _theme(site.theme)


@cache
def _theme(name: str) -> Theme:
    return MinijinjaTheme(settings().themes_folder / name)
