"""The conformance check: no service runs on a bucket that breaks a promise (ADR 4).

A bucket is probed once. The result is stored in the content bucket, and services read it at their start.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context, parent_process
from os import EX_CONFIG
from time import sleep
from typing import Literal
from uuid import uuid4

import structlog
from pydantic import BaseModel, ConfigDict, ValidationError

from shared.runtime.errors import OutageError, StoreNotConformantError
from shared.runtime.settings import ServiceSettings
from shared.site import keys
from shared.site.sites import load_sites
from shared.storage import ObjectStorage
from shared.storage.probe import PROBE_VERSION, BrokenPromiseError, Findings, probe_store
from shared.storage.s3 import S3ObjectStorage

_FIRST_WAIT_SECONDS = 0.5
_MAX_WAIT_SECONDS = 5.0
_MAX_BUCKETS_AT_ONCE = 4

log = structlog.get_logger()


class Conformance(BaseModel):
    """The result of a successful probe. It is valid only for the same store, bucket and probe version."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    schema_version: Literal[1] = 1
    endpoint: str
    bucket: str
    probe_version: int
    tested_at: datetime
    findings: Findings

    @property
    def summary(self) -> str:
        """Return the result in one line."""
        found = self.findings
        return (
            f"keeps its promises ({found.writers} writers at once, {found.races} times, one winner each;"
            f" tried {self.tested_at:%Y-%m-%d %H:%M} UTC in {found.duration_ms} ms)"
        )

    def is_valid_for(self, endpoint: str, bucket: str) -> bool:
        """Return whether the result is of this store and bucket, and of the current probe."""
        return (self.endpoint, self.bucket, self.probe_version) == (endpoint, bucket, PROBE_VERSION)


def find_conformance(content: ObjectStorage, endpoint: str, bucket: str) -> Conformance | None:
    """Return the stored result for the bucket, or None if there is no valid one."""
    found = content.find(keys.conformance_key(bucket))
    if found is None:
        return None
    try:
        conformance = Conformance.model_validate_json(found.body)
    except ValidationError:  # another schema version: the bucket is probed again
        return None
    return conformance if conformance.is_valid_for(endpoint, bucket) else None


def check_conformance(storage: ObjectStorage, content: ObjectStorage, endpoint: str, bucket: str) -> Conformance:
    """Return the stored result for the bucket; probe the bucket and store the result if there is none.

    Several processes may probe the same bucket at the same time.

    Raises:
        StoreNotConformantError: the store broke a promise.
        StorageUnavailableError: the store does not answer. This proves nothing about it.
    """
    if conformance := find_conformance(content, endpoint, bucket):
        return conformance
    try:
        findings = probe_store(storage, keys.probe_prefix(uuid4().hex))
    except BrokenPromiseError as error:
        raise StoreNotConformantError(
            f"the store does not conform: bucket {bucket} at {endpoint}: {error}. Pressline would lose news there or"
            " put old pages over new ones, so no service runs on it. Use a store that honours If-Match and"
            " If-None-Match on PUT and is consistent (AWS S3, SeaweedFS 4.47), without a proxy that drops these"
            " headers. Then `pressline stack prepare` probes it again"
            " (infra/decisions/0004-a-store-must-pass-a-conformance-probe.md)"
        ) from error
    conformance = Conformance(
        endpoint=endpoint,
        bucket=bucket,
        probe_version=PROBE_VERSION,
        tested_at=datetime.now(UTC),
        findings=findings,
    )
    content.put(keys.conformance_key(bucket), conformance.model_dump_json(indent=2).encode())
    return conformance


def check_buckets(settings: ServiceSettings) -> list[Conformance]:
    """Return the results for all buckets of the settings and the sites, all checked at the same time.

    Raises:
        StoreNotConformantError: as `check_conformance`.
        StorageUnavailableError: as `check_conformance`.
    """
    content = S3ObjectStorage(settings, settings.content_bucket)
    endpoint = (settings.s3_endpoint or f"AWS S3, {settings.s3_region}").rstrip("/")
    sites = load_sites(settings.sites_folder, settings.base_url).values()
    own = (site.bucket for site in sites if site.bucket)
    names = dict.fromkeys((settings.content_bucket, settings.public_bucket, *own))
    buckets = [S3ObjectStorage(settings, name) for name in names]

    def check(bucket: S3ObjectStorage) -> Conformance:
        return check_conformance(bucket, content, endpoint, bucket.bucket)

    with ThreadPoolExecutor(min(len(buckets), _MAX_BUCKETS_AT_ONCE)) as pool:
        return list(pool.map(check, buckets))  # raises the first error in the order of the buckets


def require_conformant_store(settings: ServiceSettings) -> None:
    """Return once all buckets conform; end the process if one does not.

    While the store is down, this waits without limit. The reason goes to stderr and to the log. The exit code is
    EX_CONFIG (78): a restart does not help.
    """
    wait_seconds = _FIRST_WAIT_SECONDS
    while True:
        try:
            results = check_buckets(settings)
        except StoreNotConformantError as error:
            log.error("store.refused", reason=str(error))  # noqa: TRY400 -- a plain message, not a traceback
            sys.stderr.write(f"pressline: {error}\n")
            sys.exit(EX_CONFIG)
        except OutageError as error:
            log.warning("store.awaited", reason=str(error), wait_seconds=wait_seconds)
        else:
            for each in results:
                log.info("store.tested", bucket=each.bucket, tested_at=each.tested_at.isoformat())
            return
        sleep(wait_seconds)
        wait_seconds = min(2 * wait_seconds, _MAX_WAIT_SECONDS)
        if (parent := parent_process()) and not parent.is_alive():
            sys.exit()


def require_conformant_store_apart(settings: ServiceSettings) -> Callable[[], None]:
    """Start the check in a child process; return a function that waits for it.

    That function ends this process if the check failed. A worker's parent process needs no client of the store, for
    two reasons. boto3 would take 23 MB of it. The client has threads, and a process with threads must not fork.
    """
    sys.stdout.flush()
    child = get_context("fork").Process(target=require_conformant_store, args=(settings,), daemon=True)
    child.start()

    def wait() -> None:
        child.join()
        if child.exitcode:
            sys.exit(child.exitcode)

    return wait
