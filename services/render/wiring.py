"""The only module of render that builds clients and picks adapters, on first use: in each child of a worker."""

from __future__ import annotations

from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache, lru_cache
from os import getpid
from socket import gethostname

from services.render.adapters.minijinja_theme import MinijinjaTheme
from services.render.adapters.zipped_theme import unzipped_theme
from services.render.handler import HANDLERS, RenderDeps, page_version
from services.render.ports import Theme
from services.render.settings import RenderSettings
from shared.index.dry_run import DryRunIndex
from shared.index.redis import RedisIndex
from shared.model.history import StoredRevisions
from shared.runtime.celery_app import PresslineCelery, create_app
from shared.runtime.dead_letters import DeadLetters
from shared.runtime.dry_run import DryRun, DryRunReceipts, DryRunRuns, DryRunStorage
from shared.runtime.quarantine.redis import RedisQuarantine
from shared.runtime.rebuild_runs.redis import RedisRuns
from shared.runtime.receipts.redis import RedisReceipts
from shared.runtime.redis_client import redis_client
from shared.runtime.step_run import StepRunner
from shared.site.page_versions import note_version
from shared.site.sites import Site, get_site, load_sites
from shared.storage.s3 import S3ObjectStorage, public_storage


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
    """Return the store of render's dead letters."""
    quarantine = RedisQuarantine(redis_client(settings()))
    return DeadLetters("render", content(), RedisReceipts(redis_client(settings())), quarantine)


@cache
def content() -> S3ObjectStorage:
    """Return the content bucket."""
    return S3ObjectStorage(settings(), settings().content_bucket)


def build() -> None:
    """Build the dependencies of every site, so that a failure stops the worker at its start.

    Then store the page version that each site's pages have from now on.
    """
    sites = load_sites(settings().sites_folder, settings().base_url)
    for site in sites:
        deps(site)
    for each in sites.values():
        note_version(content(), each, page_version(theme_of(each), each))


@cache
def deps(site: str) -> RenderDeps:
    """Return the handlers' dependencies for one site, with its own part of the public bucket.

    Raises:
        UnknownSiteError: the site is not configured here.
    """
    redis, sites = redis_client(settings()), load_sites(settings().sites_folder, settings().base_url)
    for each in sites.values():
        theme_of(each)  # a site without its theme stops the worker at its start
    return RenderDeps(
        content=content(),
        public=public_storage(settings(), get_site(sites, site)),
        revisions=StoredRevisions(content()),
        index=RedisIndex(redis),
        receipts=RedisReceipts(redis),
        runs=RedisRuns(redis),
        sites=sites,
        theme_of=theme_of,
        preview_theme=preview_theme,
        clock=lambda: datetime.now(UTC),
        name=f"{gethostname()}/{getpid()}",
        readers=readers(),
        stored_assets={},
    )


@lru_cache(maxsize=2)
def preview_theme(key: str) -> Theme:
    """Return the theme from a zip in the content bucket (its folder, and the folders that it inherits from)."""
    return unzipped_theme(content().get(key).body)


@cache
def readers() -> Executor:
    """Return this process's threads for calls to the store and to Redis; each starts on first use."""
    return ThreadPoolExecutor(settings().store_threads)


def theme_of(site: Site) -> Theme:
    """Return a site's theme."""
    return _theme(site.theme)


@cache
def _theme(name: str) -> Theme:
    return MinijinjaTheme(settings().themes_folder / name)


def dry_run_deps(site: str, dry_run: DryRun) -> RenderDeps:
    """Return the dependencies with adapters that report each write instead of making it."""
    real = deps(site)
    content = dry_run.content(real.content)
    return replace(
        real,
        content=content,
        public=DryRunStorage(real.public, "public", dry_run.report),
        revisions=StoredRevisions(content),
        index=DryRunIndex(redis_client(settings()), dry_run.report),
        receipts=DryRunReceipts(real.receipts, dry_run.report),
        runs=DryRunRuns(real.runs, dry_run.report),
        stored_assets={},
    )


def step_runner() -> StepRunner:
    """Return the runner of one step by hand."""
    return StepRunner(HANDLERS, deps, dry_run_deps, app, settings)
