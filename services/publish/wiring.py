"""The only place of publish that builds clients and picks adapters. Built on first use, so in each worker's child."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache

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
from shared.sites import load_sites
from shared.storage.s3 import S3ObjectStorage, s3_client


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
    return DeadLetters("publish", publisher().content, publisher().receipts, publisher().marks)


@cache
def publisher() -> Publisher:
    """Return what the handlers need."""
    client, redis = s3_client(settings()), redis_client(settings())
    content = S3ObjectStorage(client, settings().content_bucket)
    return Publisher(
        content=content,
        public=S3ObjectStorage(client, settings().public_bucket),
        records=LiveRecords(content),
        revisions=StoredRevisions(content),
        index=RedisIndex(redis),
        marks=RedisMarks(redis),
        receipts=RedisReceipts(redis),
        edge=edge(),
        sites=load_sites(settings().sites_folder, settings().base_url),
        clock=lambda: datetime.now(UTC),
        known_assets=set(),
    )


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
