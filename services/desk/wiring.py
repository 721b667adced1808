"""Builds the clients of the command line; each command builds only its own."""

from __future__ import annotations

import os
import pwd
import socket
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from services.desk.adapters import step_process
from services.desk.adapters.endpoint import Endpoint
from services.desk.adapters.import_files import StoredImportFiles
from services.desk.adapters.splitting import SPLITTERS
from services.desk.domain.rebuild import Run
from services.desk.handler.dead_letters import Send
from services.desk.handler.rebuild import Rebuild
from services.desk.handler.selection import select
from services.desk.ports import BackupNotSetError
from services.desk.settings import DeskSettings, load_settings, service_environment
from shared.index.redis import RedisIndex
from shared.messaging.messages import Message
from shared.messaging.pipeline import Step
from shared.model.history import StoredRevisions
from shared.model.lane import Lane
from shared.reconcile import ReconcileDeps
from shared.reconcile.status_events import StatusEvents
from shared.runtime.backlog.redis import RedisBacklog
from shared.runtime.event_log.redis import RedisEventLog
from shared.runtime.feed_polls import FeedPolls
from shared.runtime.hub_subscriptions import HubSubscriptions
from shared.runtime.quarantine.redis import RedisQuarantine
from shared.runtime.rebuild_runs.redis import RedisRuns
from shared.runtime.redis_client import redis_client
from shared.runtime.watched_files import WatchStates
from shared.runtime.webhooks.redis import RedisDeliveryStates
from shared.runtime.webhooks.stored import Subscribers
from shared.site.page_versions import VersionCount, find_version
from shared.site.sites import Site, load_sites
from shared.storage.s3 import S3ObjectStorage, public_storage

if TYPE_CHECKING:
    from shared.runtime.celery_app import PresslineCelery


@cache
def settings() -> DeskSettings:
    """Return the settings, read once."""
    return load_settings()


def operator() -> str:
    """Return the user of this process and the machine, as user@host, for the audit log."""
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container may run under a number without a name
        user = f"uid {os.getuid()}"
    return f"{user}@{socket.gethostname()}"


def endpoint() -> Endpoint:
    """Return the endpoint."""
    token = settings().token
    return Endpoint(
        settings().api_url,
        token.get_secret_value() if token else None,
        timeout_seconds=settings().api_timeout_seconds,
    )


def import_files(source: str, state_path: Path | None, kind: str = "ndjson") -> StoredImportFiles:
    """Return the files of an import; a file of any kind but `ndjson` is split into items."""
    return StoredImportFiles(source, state_path, kind=kind, split=SPLITTERS.get(kind))


def content() -> S3ObjectStorage:
    """Return the content bucket."""
    return S3ObjectStorage(settings(), settings().content_bucket)


def public(site: Site | None = None) -> S3ObjectStorage:
    """Return the public bucket of a site; without a site, the one of the settings."""
    if site is None:
        return S3ObjectStorage(settings(), settings().public_bucket)
    return public_storage(settings(), site)


def revisions() -> StoredRevisions:
    """Return the articles' revisions."""
    return StoredRevisions(content())


def quarantine() -> RedisQuarantine:
    """Return the quarantine in Redis."""
    return RedisQuarantine(redis_client(settings()))


def event_log() -> RedisEventLog:
    """Return the event log."""
    return RedisEventLog(redis_client(settings()))


def status_events() -> StatusEvents:
    """Return a reader of the status events."""
    return StatusEvents(event_log(), content(), revisions(), sites(), lambda: datetime.now(UTC))


def subscribers() -> Subscribers:
    """Return the subscribers of webhooks."""
    return Subscribers(content())


def feed_polls() -> FeedPolls:
    """Return the states of the polled feeds."""
    return FeedPolls(content())


def hub_subscriptions() -> HubSubscriptions:
    """Return the subscriptions of polled feeds at WebSub hubs."""
    return HubSubscriptions(content())


def watch_states() -> WatchStates:
    """Return the states of the watched prefixes."""
    return WatchStates(content())


def delivery_states() -> RedisDeliveryStates:
    """Return the states of the deliveries to subscribers."""
    return RedisDeliveryStates(redis_client(settings()))


def backlog() -> RedisBacklog:
    """Return the queue lengths."""
    return RedisBacklog(redis_client(settings()))


def emitter() -> Callable[[Iterable[Message]], None]:
    """Return a function that sends a copy of each message to every step that consumes it."""
    return _app().emit


def sender() -> Send:
    """Return a function that sends messages to one step only."""
    return _app().send


def _app() -> PresslineCelery:
    """Return a Celery app that only emits: the desk runs no task."""
    from shared.runtime.celery_app import create_app  # noqa: PLC0415 -- takes a third of a second, and few commands need it

    return create_app("desk", settings())


def run_step(step: Step, event: bytes, *, is_dry_run: bool) -> int:
    """Run a step in a process of its service; return the exit code."""
    return step_process.run_step(step, event, service_environment(), is_dry_run=is_dry_run)


def deps(site: Site) -> ReconcileDeps:
    """Return the dependencies of a comparison of a site's pages with the content bucket."""
    return ReconcileDeps(
        content=content(),
        public=public(site),
        revisions=revisions(),
        index=index(),
        sites=sites(),
        clock=lambda: datetime.now(UTC),
    )


def version_count(site: Site) -> VersionCount | None:
    """Return a count of a site's pages by version, or None while no render worker has noted the current version."""
    current = find_version(content(), site)
    return VersionCount(site, current, public=public(site), sites=sites().values()) if current else None


def index() -> RedisIndex:
    """Return the index."""
    return RedisIndex(redis_client(settings()))


def rebuild(run: Run, site: Site) -> Rebuild:
    """Return a rebuild that is ready to advance."""
    queues = backlog()

    def waiting() -> int:
        return queues.unfinished(Lane.BULK)  # includes messages that workers hold, for instance during a store's outage

    return Rebuild(
        run=run,
        content=content(),
        runs=RedisRuns(redis_client(settings())),
        emit=emitter(),
        waiting=waiting,
        clock=lambda: datetime.now(UTC),
        selected=select(
            run, site, content=content(), index=index(), version_count=version_count(site) if run.is_by_theme else None
        ),
    )


def sites() -> dict[str, Site]:
    """Return the sites by id."""
    return load_sites(settings().sites_folder, settings().base_url)


def backup() -> S3ObjectStorage:
    """Return the backup bucket, in the same store or another one.

    Raises:
        BackupNotSetError: none is set, or it is the content or the public bucket.
    """
    own, bucket = settings(), settings().backup_bucket
    if bucket is None:
        raise BackupNotSetError("set PRESSLINE_BACKUP_BUCKET to a second bucket")
    if own.backup_endpoint in (None, own.s3_endpoint) and bucket in (own.content_bucket, own.public_bucket):
        raise BackupNotSetError(f"PRESSLINE_BACKUP_BUCKET: {bucket} is in use; a backup needs one of its own")
    backup_settings = {
        "s3_endpoint": own.backup_endpoint,
        "s3_region": own.backup_region,
        "s3_access_key": own.backup_access_key,
        "s3_secret_key": own.backup_secret_key,
    }
    given = {name: value for name, value in backup_settings.items() if value is not None}
    return S3ObjectStorage(own.model_copy(update=given), bucket)
