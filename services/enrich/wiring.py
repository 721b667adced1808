"""The only place of enrich that builds clients and picks adapters. Built on first use, so in each worker's child."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

from services.enrich.handler import Enrichment
from services.enrich.settings import EnrichSettings
from shared.celery_app import PresslineCelery, create_app
from shared.dead_letters import DeadLetters
from shared.history import StoredRevisions
from shared.marks.redis import RedisMarks
from shared.messages import Lane
from shared.receipts.redis import RedisReceipts
from shared.redis_client import redis_client
from shared.storage.bulk import bulk_storage
from shared.storage.s3 import S3ObjectStorage, s3_client


@cache
def settings() -> EnrichSettings:
    """Return the settings, read once."""
    return EnrichSettings()


@cache
def app() -> PresslineCelery:
    """Return enrich's Celery app."""
    return create_app("enrich", settings(), dead_letters)


@cache
def dead_letters() -> DeadLetters:
    """Return where enrich's dead letters go."""
    marks = RedisMarks(redis_client(settings()))
    return DeadLetters("enrich", _enrichment().content, _enrichment().receipts, marks)


def build() -> None:
    """Build what the handler needs: what cannot be built stops the worker at its start."""
    _enrichment()


def enrichment(lane: Lane) -> Enrichment:
    """Return what the handler needs; in bulk with a lighter client of the store."""
    return _bulk_enrichment() if lane is Lane.BULK else _enrichment()


@cache
def _enrichment() -> Enrichment:
    content = S3ObjectStorage(s3_client(settings()), settings().content_bucket)
    return Enrichment(
        content=content,
        revisions=StoredRevisions(content),
        receipts=RedisReceipts(redis_client(settings())),
        clock=lambda: datetime.now(UTC),
    )


@cache
def _bulk_enrichment() -> Enrichment:
    content = bulk_storage(s3_client(settings()), settings(), settings().content_bucket)
    return replace(_enrichment(), content=content, revisions=StoredRevisions(content))
