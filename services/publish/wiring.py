"""The only place of publish that builds clients and picks adapters. Built on first use, so in each worker's child."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

from services.publish.adapters.varnish import NoEdgeCache, VarnishEdgeCache
from services.publish.handler import Publisher
from services.publish.handler.live_records import LiveRecords
from services.publish.ports import EdgeCache
from services.publish.settings import PublishSettings
from shared.celery_app import PresslineCelery, create_app
from shared.dead_letters import DeadLetters
from shared.history import StoredRevisions
from shared.index.redis import RedisIndex
from shared.marks.redis import RedisMarks
from shared.receipts.redis import RedisReceipts
from shared.redis_client import redis_client
from shared.sites import get_site, load_sites
from shared.storage.s3 import S3ObjectStorage, public_storage, s3_client

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client


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
    return DeadLetters("publish", content(), RedisReceipts(redis), RedisMarks(redis))


@cache
def client() -> S3Client:
    """Return the client of the object store."""
    return s3_client(settings())


@cache
def content() -> S3ObjectStorage:
    """Return the content bucket."""
    return S3ObjectStorage(client(), settings().content_bucket)


def build() -> None:
    """Build what the handlers need, of every site: what cannot be built stops the worker at its start."""
    for site in load_sites(settings().sites_folder, settings().base_url):
        publisher(site)


@cache
def publisher(site: str) -> Publisher:
    """Return what the handlers need for one site: its own place in the public bucket.

    Raises:
        UnknownSiteError: it is not configured here.
    """
    redis, sites = redis_client(settings()), load_sites(settings().sites_folder, settings().base_url)
    return Publisher(
        content=content(),
        public=public_storage(client(), settings(), get_site(sites, site)),
        records=LiveRecords(content()),
        revisions=StoredRevisions(content()),
        index=RedisIndex(redis),
        marks=RedisMarks(redis),
        receipts=RedisReceipts(redis),
        edge=edge(),
        sites=sites,
        clock=lambda: datetime.now(UTC),
        known_assets=set(),
    )


@cache
def edge() -> EdgeCache:
    """Return the edge that the settings name."""
    if settings().edge == "none":
        return NoEdgeCache()
    token = settings().purge_token
    return VarnishEdgeCache(
        settings().edge_url,
        timeout_seconds=settings().purge_timeout_seconds,
        token=token.get_secret_value() if token else None,
    )
