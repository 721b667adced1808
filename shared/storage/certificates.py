"""No service runs on a store that was not found fit: tried once, and the certificate kept in the content bucket."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from multiprocessing import get_context, parent_process
from os import EX_CONFIG
from time import sleep
from typing import Literal
from uuid import uuid4

import structlog
from pydantic import BaseModel, ConfigDict, ValidationError

from shared import keys
from shared.errors import OutageError, UnfitStoreError
from shared.settings import ServiceSettings
from shared.sites import load_sites
from shared.storage import ObjectStorage
from shared.storage.probe import PROBE_VERSION, BrokenPromiseError, Findings, probe_store
from shared.storage.s3 import S3ObjectStorage

_LONGEST_WAIT_SECONDS = 5.0

log = structlog.get_logger()


class Certificate(BaseModel):
    """What was tried of a bucket, where and when. Good for the same store, bucket and probe only."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    schema_version: Literal[1] = 1
    endpoint: str
    bucket: str
    probe_version: int
    certified_at: datetime
    findings: Findings

    @property
    def summary(self) -> str:
        """Return it in a line."""
        found = self.findings
        return (
            f"keeps its promises ({found.writers} writers at once, {found.races} times, one winner each;"
            f" tried {self.certified_at:%Y-%m-%d %H:%M} UTC in {found.duration_ms} ms)"
        )


def find_certificate(content: ObjectStorage, endpoint: str, bucket: str) -> Certificate | None:
    """Return the bucket's certificate, None where there is none that is good for this store and this probe."""
    found = content.find(keys.certificate_key(bucket))
    if found is None:
        return None
    try:
        certificate = Certificate.model_validate_json(found.body)
    except ValidationError:  # of another version: tried again
        return None
    good_for = (certificate.endpoint, certificate.bucket, certificate.probe_version)
    return certificate if good_for == (endpoint, bucket, PROBE_VERSION) else None


def certify(storage: ObjectStorage, content: ObjectStorage, endpoint: str, bucket: str) -> Certificate:
    """Return the bucket's certificate, after a probe where there was none; several may probe at the same time.

    Raises:
        UnfitStoreError: it broke a promise.
        StorageUnavailableError: it does not answer, which says nothing against it.
    """
    if certificate := find_certificate(content, endpoint, bucket):
        return certificate
    try:
        findings = probe_store(storage, keys.probe_prefix(uuid4().hex))
    except BrokenPromiseError as error:
        raise UnfitStoreError(
            f"the store is not fit: bucket {bucket} at {endpoint}: {error}. Pressline would lose news there or put old"
            " over new, so nothing runs on it. It needs a store that heeds If-Match and If-None-Match on PUT and is"
            " consistent (AWS S3, SeaweedFS 4.47), and nothing before it that drops these headers;"
            " `pressline stack prepare` tries again (infra/decisions/0004-a-store-must-pass-a-conformance-probe.md)"
        ) from error
    certificate = Certificate(
        endpoint=endpoint,
        bucket=bucket,
        probe_version=PROBE_VERSION,
        certified_at=datetime.now(UTC),
        findings=findings,
    )
    content.put(keys.certificate_key(bucket), certificate.model_dump_json(indent=2).encode())
    return certificate


def certify_buckets(settings: ServiceSettings) -> list[Certificate]:
    """Return the certificates of the buckets that the settings and the sites name; raises as `certify` does."""
    content = S3ObjectStorage(settings, settings.content_bucket)
    endpoint = (settings.s3_endpoint or f"AWS S3, {settings.s3_region}").rstrip("/")
    sites = load_sites(settings.sites_folder, settings.base_url).values()
    own = (site.bucket for site in sites if site.bucket)
    buckets = dict.fromkeys((settings.content_bucket, settings.public_bucket, *own))
    return [certify(S3ObjectStorage(settings, bucket), content, endpoint, bucket) for bucket in buckets]


def require_fit_store(settings: ServiceSettings) -> None:
    """Return once both buckets are certified, however long the store is down; end the process where it is unfit.

    The reason goes to stderr and to the log; the exit code is EX_CONFIG (78): starting again will not help.
    """
    wait = 0.5
    while True:
        try:
            certificates = certify_buckets(settings)
        except UnfitStoreError as error:
            log.error("store.refused", reason=str(error))  # noqa: TRY400 -- a plain message, not a traceback
            sys.stderr.write(f"pressline: {error}\n")
            sys.exit(EX_CONFIG)
        except OutageError as error:
            log.warning("store.awaited", reason=str(error), wait_seconds=wait)
        else:
            for each in certificates:
                log.info("store.certified", bucket=each.bucket, certified_at=each.certified_at.isoformat())
            return
        sleep(wait)
        wait = min(2 * wait, _LONGEST_WAIT_SECONDS)
        if (parent := parent_process()) and not parent.is_alive():
            sys.exit()


def require_fit_store_apart(settings: ServiceSettings) -> Callable[[], None]:
    """Have the same done in a process of its own; return what waits for it, and ends this one if that one did not.

    A worker's parent reads no bucket: what boto3 takes (23 MB) would stay with it for nothing, and it must not fork
    with the store's client in it, which has threads.
    """
    sys.stdout.flush()
    child = get_context("fork").Process(target=require_fit_store, args=(settings,), daemon=True)
    child.start()

    def wait() -> None:
        child.join()
        if child.exitcode:
            sys.exit(child.exitcode)

    return wait
