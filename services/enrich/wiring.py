"""The only place of enrich that builds clients and picks adapters. Built on first use, so in each worker's child."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

from services.enrich.handler import HANDLERS, Enrichment
from services.enrich.settings import EnrichSettings
from shared.celery_app import PresslineCelery, create_app
from shared.dead_letters import DeadLetters
from shared.dry_run import DryRunReceipts, DryRunRuns, DryRunStorage, Report
from shared.history import StoredRevisions
from shared.marks.redis import RedisMarks
from shared.receipts.redis import RedisReceipts
from shared.redis_client import redis_client
from shared.runs.redis import RedisRuns
from shared.step_run import StepRunner
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


def dry_run_enrichment(report: Report) -> Enrichment:
    """Return the same with adapters that report each write instead of making it."""
    real = enrichment()
    content = DryRunStorage(real.content, "content", report)
    return replace(
        real,
        content=content,
        revisions=StoredRevisions(content),
        receipts=DryRunReceipts(real.receipts, report),
        runs=DryRunRuns(real.runs, report),
    )


def step_runner() -> StepRunner:
    """Return what runs one step by hand."""
    return StepRunner(HANDLERS, lambda _: enrichment(), lambda _, report: dry_run_enrichment(report), app, settings)
