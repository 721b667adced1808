"""The only module of publish that builds clients and picks adapters, on first use: in each child of a worker."""

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
from shared.runtime.dry_run import (
    DryRun,
    DryRunEventLog,
    DryRunQuarantine,
    DryRunReceipts,
    DryRunRuns,
    DryRunStorage,
)
from shared.runtime.errors import EdgeRefusedError, EdgeUnavailableError
from shared.runtime.event_log.redis import RedisEventLog
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
    """Return the store of publish's dead letters."""
    redis = redis_client(settings())
    return DeadLetters("publish", content(), RedisReceipts(redis), RedisQuarantine(redis))


@cache
def content() -> S3ObjectStorage:
    """Return the content bucket."""
    return S3ObjectStorage(settings(), settings().content_bucket)


def build() -> None:
    """Build the dependencies of every site, so that a failure stops the worker at its start."""
    for site in load_sites(settings().sites_folder, settings().base_url):
        deps(site)


@cache
def deps(site: str) -> PublishDeps:
    """Return the handlers' dependencies for one site, with its own part of the public bucket.

    Raises:
        UnknownSiteError: the site is not configured here.
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
        event_log=RedisEventLog(redis),
        runs=RedisRuns(redis),
        edge=edge(_edge_key(own)),
        sites=sites,
        clock=lambda: datetime.now(UTC),
        known_assets=set(),
        writers=writers(),
        reads_back=settings().reads_back,
    )


def dry_run_deps(site: str, dry_run: DryRun) -> PublishDeps:
    """Return the dependencies with adapters that report each write and purge instead of making it."""
    real = deps(site)
    content = dry_run.content(real.content)
    return replace(
        real,
        content=content,
        public=DryRunStorage(real.public, "public", dry_run.report),
        records=LiveRecords(content),
        revisions=StoredRevisions(content),
        index=DryRunIndex(redis_client(settings()), dry_run.report),
        quarantine=DryRunQuarantine(real.quarantine, dry_run.report),
        receipts=DryRunReceipts(real.receipts, dry_run.report),
        event_log=DryRunEventLog(real.event_log, dry_run.report),
        runs=DryRunRuns(real.runs, dry_run.report),
        edge=DryRunEdgeCache(dry_run.report),
        known_assets=set(),
    )


def step_runner() -> StepRunner:
    """Return the runner of one step by hand."""
    return StepRunner(HANDLERS, deps, dry_run_deps, app, settings)


@cache
def writers() -> Executor:
    """Return this process's threads for calls to the store; each starts on first use."""
    return ThreadPoolExecutor(settings().store_threads)


def _edge_key(site: Site) -> str:
    """Return the name of a site's part of the edge: Varnish's is its host, a vendor's an id."""
    return urlsplit(site.base_url).netloc if settings().edge == "varnish" else settings().edge_id_of(site)


@cache
def edge(part: str) -> EdgeCache:
    """Return the client of a part of the edge; sites that share a part share the waits that it asks for."""
    return new_edge(part)


def new_edge(part: str) -> EdgeCache:
    """Return a new client of a part of the edge, with its own connections."""
    current = settings()
    timeout = current.purge_timeout_seconds
    token = current.purge_token.get_secret_value() if current.purge_token else ""
    match current.edge:
        case "none":
            return NoEdgeCache()
        case "fastly":
            return FastlyEdgeCache(part, token, timeout_seconds=timeout)
        case "cloudflare":
            return CloudflareEdgeCache(part, token, timeout_seconds=timeout)
        case "cloudfront":
            return CloudFrontEdgeCache(
                cloudfront_client(current), part, timeout_seconds=timeout, new_reference=lambda: uuid4().hex
            )
        case "varnish":
            return VarnishEdgeCache(current.edge_url, timeout_seconds=timeout, token=token or None, host=part)


def require_edge() -> None:
    """Return if each site's edge accepts purges, or may do so later; end the process if one never will.

    The check is a purge of a key that no page carries: only a purge shows whether our token allows purges.
    The reason goes to stderr and to the log. The exit code is EX_CONFIG (78): a restart does not help.
    """
    if settings().edge in ("varnish", "none"):
        return  # our own edge: while its token is being changed on both sides, purges are retried
    sites = load_sites(settings().sites_folder, settings().base_url).values()
    for part in dict.fromkeys(map(_edge_key, sites)):
        _require_purges(new_edge(part))  # a new client: the children must not inherit its connection


def _require_purges(candidate: EdgeCache) -> None:
    try:
        candidate.purge(["pressline:start"])
    except EdgeRefusedError as error:
        log.error("edge.refused", reason=str(error))  # noqa: TRY400 -- a plain message, not a traceback
        sys.stderr.write(f"pressline: {error}\n")
        sys.exit(EX_CONFIG)
    except EdgeUnavailableError as error:
        log.warning("edge.awaited", reason=str(error))
    finally:
        candidate.close()
