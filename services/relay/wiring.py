"""The only module of the relay that builds clients and picks adapters."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from random import SystemRandom
from secrets import token_hex

from services.relay.adapters.http import OutsideHttp
from services.relay.adapters.redis_lease import RedisLease
from services.relay.handler import HubPinger, RelayDeps, WebhookDispatcher
from services.relay.settings import RelaySettings
from shared.model.history import StoredRevisions
from shared.reconcile.status_events import StatusEvents
from shared.runtime.event_log.redis import RedisEventLog
from shared.runtime.redis_client import redis_client
from shared.runtime.webhooks.redis import RedisDeliveryStates
from shared.runtime.webhooks.stored import Subscribers
from shared.site.sites import Site, load_sites
from shared.storage.s3 import S3ObjectStorage


@cache
def settings() -> RelaySettings:
    """Return the settings, read once."""
    return RelaySettings()


@cache
def content() -> S3ObjectStorage:
    """Return the content bucket; threads may share its clients."""
    return S3ObjectStorage(settings(), settings().content_bucket)


@cache
def sites() -> dict[str, Site]:
    """Return the sites."""
    return load_sites(settings().sites_folder, settings().base_url)


@cache
def lease() -> RedisLease:
    """Return the leases of this process."""
    return RedisLease(redis_client(settings()))


@cache
def outside() -> OutsideHttp:
    """Return the HTTP client for servers outside."""
    own = settings()
    return OutsideHttp(timeout_seconds=own.relay_timeout_seconds, allows_private=own.relay_private_addresses)


def jobs() -> tuple[WebhookDispatcher, HubPinger]:
    """Return the jobs, each with dependencies of its own. A new concern is one more job."""
    return WebhookDispatcher(deps()), HubPinger(deps())


def deps() -> RelayDeps:
    """Return new dependencies of a job."""
    redis = redis_client(settings())
    return RelayDeps(
        content=content(),
        events=StatusEvents(RedisEventLog(redis), content(), StoredRevisions(content()), sites(), now),
        subscribers=Subscribers(content()),
        states=RedisDeliveryStates(redis),
        post=outside(),
        sites=sites(),
        clock=now,
        jitter=SystemRandom().random,
        new_id=lambda: f"msg_{token_hex(13)}",
        max_age=timedelta(hours=settings().relay_max_age_hours),
    )


def now() -> datetime:
    """Return the current time (UTC)."""
    return datetime.now(UTC)
