"""The only place of enrich that builds clients and picks adapters. Built on first use, so in each worker's child."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import cache

from services.enrich.handler import Enrichment
from services.enrich.settings import EnrichSettings
from shared.celery_app import PresslineCelery, create_app
from shared.dead_letters import DeadLetters
from shared.history import StoredRevisions
from shared.marks.redis import RedisMarks
from shared.receipts.redis import RedisReceipts
from shared.redis_client import redis_client
from shared.runs.redis import RedisRuns
from shared.storage.s3 import S3ObjectStorage


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
    return DeadLetters("enrich", enrichment().content, enrichment().receipts, marks)


def build() -> None:
    """Build what the handler needs: what cannot be built stops the worker at its start."""
    enrichment()


@cache
def enrichment() -> Enrichment:
    """Return what the handler needs."""
    content = S3ObjectStorage(settings(), settings().content_bucket)
    return Enrichment(
        content=content,
        revisions=StoredRevisions(content),
        receipts=RedisReceipts(redis_client(settings())),
        runs=RedisRuns(redis_client(settings())),
        executor=ThreadPoolExecutor(16),
        clock=lambda: datetime.now(UTC),
    )
