"""The only place of publish that builds clients and picks adapters. Built on first use, so in each worker's child."""

from __future__ import annotations

import sys
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from os import EX_CONFIG
from urllib.parse import urlsplit
from uuid import uuid4

import structlog

from services.publish.adapters.cloudflare import CloudflareEdgeCache
from services.publish.adapters.cloudfront import CloudFrontEdgeCache, cloudfront_client
from services.publish.adapters.dry_run_edge import DryRunEdgeCache
from services.publish.adapters.fastly import FastlyEdgeCache
from services.publish.adapters.varnish import NoEdgeCache, VarnishEdgeCache
from services.publish.handler import HANDLERS, PublishDeps
from services.publish.handler.live_records import LiveRecords
from services.publish.ports import EdgeCache
from services.publish.settings import PublishSettings
from shared.index.dry_run import DryRunIndex
from shared.index.redis import RedisIndex
from shared.model.history import StoredRevisions
from shared.runtime.celery_app import PresslineCelery, create_app
from shared.runtime.dead_letters import DeadLetters
from shared.runtime.dry_run import DryRunMarks, DryRunReceipts, DryRunRuns, DryRunStorage, Report
from shared.runtime.errors import EdgeRefusedError, EdgeUnavailableError
from shared.runtime.quarantine.redis import RedisQuarantine
from shared.runtime.rebuild_runs.redis import RedisRuns
from shared.runtime.receipts.redis import RedisReceipts
from shared.runtime.redis_client import redis_client
from shared.runtime.step_run import StepRunner
from shared.site.sites import Site, get_site, load_sites
from shared.storage.s3 import S3ObjectStorage, public_storage

log = structlog.get_logger()


@cache
def settings() -> PublishSettings:
    """Return the settings, read once."""
    return PublishSettings()


@cache
def app() -> PresslineCelery:
    """Return publish's Celery app."""
    return create_app("publish", settings(), dead_letters)


@cache
def dead_letters() -> DeadLetters:
    """Return where publish's dead letters go."""
    redis = redis_client(settings())
    return DeadLetters("publish", content(), RedisReceipts(redis), RedisQuarantine(redis))


@cache
def content() -> S3ObjectStorage:
    """Return the content bucket."""
    return S3ObjectStorage(settings(), settings().content_bucket)


def build() -> None:
    """Build what the handlers need, of every site: what cannot be built stops the worker at its start."""
    for site in load_sites(settings().sites_folder, settings().base_url):
        deps(site)


@cache
def deps(site: str) -> PublishDeps:
    """Return what the handlers need for one site: its own place in the public bucket.

    Raises:
        UnknownSiteError: it is not configured here.
    """
    redis, sites = redis_client(settings()), load_sites(settings().sites_folder, settings().base_url)
    own = get_site(sites, site)
    return PublishDeps(
        content=content(),
        public=public_storage(settings(), own),
        records=LiveRecords(content()),
        revisions=StoredRevisions(content()),
        index=RedisIndex(redis),
        quarantine=RedisQuarantine(redis),
        receipts=RedisReceipts(redis),
        runs=RedisRuns(redis),
        edge=edge(_part_of_edge(own)),
        sites=sites,
        clock=lambda: datetime.now(UTC),
        known_assets=set(),
        writers=writers(),
    )


def dry_run_deps(site: str, report: Report) -> PublishDeps:
    """Return the same with adapters that report each write and each purge instead of making it."""
    real = deps(site)
    content = DryRunStorage(real.content, "content", report)
    return replace(
        real,
        content=content,
        public=DryRunStorage(real.public, "public", report),
        records=LiveRecords(content),
        revisions=StoredRevisions(content),
        index=DryRunIndex(redis_client(settings()), report),
        quarantine=DryRunMarks(real.quarantine, report),
        receipts=DryRunReceipts(real.receipts, report),
        runs=DryRunRuns(real.runs, report),
        edge=DryRunEdgeCache(report),
        known_assets=set(),
    )


def step_runner() -> StepRunner:
    """Return what runs one step by hand."""
    return StepRunner(HANDLERS, deps, dry_run_deps, app, settings)


@cache
def writers() -> Executor:
    """Return the threads of this process that wait for the store; none before the first is asked for."""
    return ThreadPoolExecutor(settings().store_threads)


def _part_of_edge(site: Site) -> str:
    """Return what the edge knows a site by: Varnish by its host, a vendor by an id."""
    return urlsplit(site.base_url).netloc if settings().edge == "varnish" else settings().edge_id_of(site)


@cache
def edge(part: str) -> EdgeCache:
    """Return a part of the edge that the settings name; sites that share one wait together where it asks them to."""
    return new_edge(part)


def new_edge(part: str) -> EdgeCache:
    """Return the same with connections of its own."""
    chosen = settings()
    timeout = chosen.purge_timeout_seconds
    token = chosen.purge_token.get_secret_value() if chosen.purge_token else ""
    match chosen.edge:
        case "none":
            return NoEdgeCache()
        case "fastly":
            return FastlyEdgeCache(part, token, timeout_seconds=timeout)
        case "cloudflare":
            return CloudflareEdgeCache(part, token, timeout_seconds=timeout)
        case "cloudfront":
            return CloudFrontEdgeCache(
                cloudfront_client(chosen), part, timeout_seconds=timeout, new_reference=lambda: uuid4().hex
            )
        case "varnish":
            return VarnishEdgeCache(chosen.edge_url, timeout_seconds=timeout, token=token or None, host=part)


def require_edge() -> None:
    """Return where each site's edge takes purges, or may do so later; end the process where one never will.

    It is asked with a purge of a key that nothing bears: the one call that tells whether our token may do just that.
    The reason goes to stderr and to the log; the exit code is EX_CONFIG (78): starting again will not help.
    """
    if settings().edge in ("varnish", "none"):
        return  # ours: a token that is changed on one side before the other is waited for
    sites = load_sites(settings().sites_folder, settings().base_url).values()
    for part in dict.fromkeys(map(_part_of_edge, sites)):
        _require(new_edge(part))  # of this process: its children do not inherit a connection


def _require(trial: EdgeCache) -> None:
    try:
        trial.purge(["pressline:start"])
    except EdgeRefusedError as error:
        log.error("edge.refused", reason=str(error))  # noqa: TRY400 -- a plain message, not a traceback
        sys.stderr.write(f"pressline: {error}\n")
        sys.exit(EX_CONFIG)
    except EdgeUnavailableError as error:
        log.warning("edge.awaited", reason=str(error))
    finally:
        trial.close()
