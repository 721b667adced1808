"""The only module of the relay that builds clients and picks adapters."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache, partial
from random import SystemRandom
from secrets import token_hex, token_urlsafe

from services.relay.adapters.fetching import DocumentFetcher
from services.relay.adapters.http import OutsideHttp
from services.relay.adapters.redis_lease import RedisLease
from services.relay.handler import FeedPoller, FileWatcher, HubPinger, RelayDeps, SubmissionDeps, WebhookDispatcher
from services.relay.handler.subscriptions import HubFollower
from services.relay.settings import RelaySettings
from shared.model.history import StoredRevisions
from shared.reconcile.status_events import StatusEvents
from shared.runtime.backlog.redis import RedisBacklog
from shared.runtime.celery_app import PresslineCelery, create_app
from shared.runtime.errors import RedisUnavailableError
from shared.runtime.event_log.redis import RedisEventLog
from shared.runtime.feed_polls import FeedPolls
from shared.runtime.hub_subscriptions import HubSubscriptions
from shared.runtime.receipts.redis import RedisReceipts
from shared.runtime.redis_client import redis_client
from shared.runtime.webhooks.redis import RedisDeliveryStates
from shared.runtime.webhooks.stored import Subscribers
from shared.site.sites import Site, load_sites
from shared.storage.s3 import S3ObjectStorage

_LIVE_LIMIT_FACTOR = 10  # as the endpoint's admission


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


@cache
def app() -> PresslineCelery:
    """Return the Celery app, which only emits."""
    return create_app("relay", settings())


def jobs() -> tuple[WebhookDispatcher | HubPinger | FeedPoller | FileWatcher, ...]:
    """Return the jobs, each with dependencies of its own. A new concern is one more job."""
    return WebhookDispatcher(deps()), HubPinger(deps()), *feed_pollers(), *file_watchers()


def feed_pollers() -> list[FeedPoller]:
    """Return a job for each feed with an address to poll."""
    own = settings()
    fetch = DocumentFetcher(outside(), max_bytes=own.max_article_bytes, deadline_seconds=own.relay_fetch_seconds)
    polled = [(site, feed) for site in sites().values() for feed in site.feeds if feed.poll_url]
    follower = HubFollower(own.public_api_url, HubSubscriptions(content()), outside()) if own.public_api_url else None
    return [FeedPoller(site, feed, fetch, submission_deps(), follower) for site, feed in polled]


def file_watchers() -> list[FileWatcher]:
    """Return a job for each feed with a watched prefix.

    Raises:
        ValueError: a feed names a bucket of the installation; its objects are no files of a sender.
    """
    own = settings()
    watched = [(site, feed) for site in sites().values() for feed in site.feeds if feed.watch_prefix]
    taken = {own.content_bucket, own.public_bucket, *(site.bucket for site in sites().values())}
    for site, feed in watched:
        if feed.watch_bucket and feed.watch_bucket in taken:
            raise ValueError(f"feed {feed.id} of {site.id}: watch_bucket {feed.watch_bucket} holds other objects")
    return [
        FileWatcher(
            site,
            feed,
            S3ObjectStorage(own, feed.watch_bucket) if feed.watch_bucket else content(),
            submission_deps(),
            max_bytes=own.max_article_bytes,
        )
        for site, feed in watched
    ]


def submission_deps() -> SubmissionDeps:
    """Return new dependencies of a job that submits documents."""
    redis = redis_client(settings())
    return SubmissionDeps(
        content=content(),
        polls=FeedPolls(content()),
        receipts=RedisReceipts(redis),
        emit=app().emit,
        is_full=partial(is_full, RedisBacklog(redis)),
        sites=sites(),
        clock=now,
        jitter=SystemRandom().random,
        new_secret=token_urlsafe,
    )


def is_full(backlog: RedisBacklog) -> bool:
    """Tell whether the endpoint would refuse news; without Redis nothing is refused, since documents are stored."""
    try:
        return backlog.total() >= settings().backlog_limit * _LIVE_LIMIT_FACTOR
    except RedisUnavailableError:
        return False


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
