"""The only module of the scheduler that builds clients and picks adapters."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache

from services.scheduler.handler import SchedulerDeps
from services.scheduler.settings import SchedulerSettings
from shared.index.redis import RedisIndex
from shared.model.history import StoredRevisions
from shared.runtime.backlog.redis import RedisBacklog
from shared.runtime.backoff.redis import RedisBackoff
from shared.runtime.celery_app import PresslineCelery, create_app
from shared.runtime.quarantine.redis import RedisQuarantine
from shared.runtime.redis_client import redis_client
from shared.site.sites import Site, load_sites
from shared.storage.s3 import S3ObjectStorage, public_storage


@cache
def settings() -> SchedulerSettings:
    """Return the settings, read once."""
    return SchedulerSettings()


@cache
def app() -> PresslineCelery:
    """Return the Celery app, which only emits."""
    return create_app("scheduler", settings())


@cache
def content() -> S3ObjectStorage:
    """Return the content bucket; threads may share its clients."""
    return S3ObjectStorage(settings(), settings().content_bucket)


def public(site: Site) -> S3ObjectStorage:
    """Return a site's part of the public bucket."""
    return public_storage(settings(), site)


def deps() -> SchedulerDeps:
    """Return new dependencies of the handlers: each periodic thread has its own."""
    redis = redis_client(settings())
    return SchedulerDeps(
        content=content(),
        revisions=StoredRevisions(content()),
        index=RedisIndex(redis),
        quarantine=RedisQuarantine(redis),
        backoff=RedisBackoff(redis),
        backlog=RedisBacklog(redis),
        sites=load_sites(settings().sites_folder, settings().base_url),
        clock=lambda: datetime.now(UTC),
        first_wait=timedelta(seconds=settings().sweep_seconds),
    )
