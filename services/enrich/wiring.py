"""The only module of enrich that builds clients and picks adapters, on first use: in each child of a worker."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

from services.enrich.handler import HANDLERS, EnrichDeps
from services.enrich.settings import EnrichSettings
from shared.model.history import StoredRevisions
from shared.runtime.celery_app import PresslineCelery, create_app
from shared.runtime.dead_letters import DeadLetters
from shared.runtime.dry_run import DryRun, DryRunReceipts, DryRunRuns
from shared.runtime.quarantine.redis import RedisQuarantine
from shared.runtime.rebuild_runs.redis import RedisRuns
from shared.runtime.receipts.redis import RedisReceipts
from shared.runtime.redis_client import redis_client
from shared.runtime.step_run import StepRunner
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
    """Return the store of enrich's dead letters."""
    quarantine = RedisQuarantine(redis_client(settings()))
    return DeadLetters("enrich", deps().content, deps().receipts, quarantine)


def build() -> None:
    """Build the handler's dependencies, so that a failure stops the worker at its start."""
    deps()


@cache
def deps() -> EnrichDeps:
    """Return the handler's dependencies."""
    content = S3ObjectStorage(settings(), settings().content_bucket)
    return EnrichDeps(
        content=content,
        revisions=StoredRevisions(content),
        receipts=RedisReceipts(redis_client(settings())),
        runs=RedisRuns(redis_client(settings())),
        executor=ThreadPoolExecutor(16),
        clock=lambda: datetime.now(UTC),
    )


def dry_run_deps(dry_run: DryRun) -> EnrichDeps:
    """Return the dependencies with adapters that report each write instead of making it."""
    real = deps()
    content = dry_run.content(real.content)
    return replace(
        real,
        content=content,
        revisions=StoredRevisions(content),
        receipts=DryRunReceipts(real.receipts, dry_run.report),
        runs=DryRunRuns(real.runs, dry_run.report),
    )


def step_runner() -> StepRunner:
    """Return the runner of one step by hand."""
    return StepRunner(HANDLERS, lambda _: deps(), lambda _, dry_run: dry_run_deps(dry_run), app, settings)
