"""The scheduler's jobs: releases, stale pages, the sweep, restores, verification. Several schedulers may run."""

from services.scheduler.handler.deps import SchedulerDeps
from services.scheduler.handler.release import release_due
from services.scheduler.handler.restore import restore_index
from services.scheduler.handler.stale import emit_stale_pages
from services.scheduler.handler.sweep import sweep
from services.scheduler.handler.verify import verify
from services.scheduler.handler.versions import count_versions

__all__ = [
    "SchedulerDeps",
    "count_versions",
    "emit_stale_pages",
    "release_due",
    "restore_index",
    "sweep",
    "verify",
]
