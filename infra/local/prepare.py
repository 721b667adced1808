"""Runs once at each start: makes the buckets, checks the store's conformance, and mints the stack's token."""

from __future__ import annotations

import sys
import time
import tomllib
from datetime import UTC, datetime

import boto3

from infra.local.program_runner import START_TIMEOUT_SECONDS
from infra.local.servers import prepare_buckets, s3_answers
from infra.local.settings import StackSettings
from infra.local.state import RunFolder
from shared.runtime.errors import PresslineError
from shared.runtime.settings import ServiceSettings
from shared.runtime.tokens import Scope, find_token, mint
from shared.storage.boto import s3_client
from shared.storage.conformance import check_buckets
from shared.storage.s3 import S3ObjectStorage

_POLL_SECONDS = 0.05


def main() -> None:
    """Prepare the buckets and the token; end with a reason if that fails."""
    settings, services = StackSettings(), ServiceSettings()
    endpoint, access_key, secret = services.s3_endpoint, services.s3_access_key, services.s3_secret_key
    if not (endpoint and access_key and secret):
        sys.exit("PRESSLINE_S3_ENDPOINT, PRESSLINE_S3_ACCESS_KEY and PRESSLINE_S3_SECRET_KEY are not all set")
    _load_boto3(services)
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while not s3_answers(endpoint):
        if time.monotonic() >= deadline:
            sys.exit(f"the store at {endpoint} does not answer")
        time.sleep(_POLL_SECONDS)
    buckets = [services.content_bucket, services.public_bucket]
    prepare_buckets(endpoint, access_key, secret.get_secret_value(), buckets, region=services.s3_region)
    try:
        for conformance in check_buckets(services):
            sys.stdout.write(f"{conformance.bucket}: {conformance.summary}\n")
    except PresslineError as error:
        sys.exit(str(error))
    _renew_token(RunFolder(settings.run_folder), services)


def _load_boto3(services: ServiceSettings) -> None:
    """Make one client of each session: it reads boto3's description of S3 (0.25 s of CPU) while the store starts."""
    boto3.client("s3", region_name=services.s3_region).close()  # the session of prepare_buckets
    s3_client(services).close()


def _renew_token(folder: RunFolder, services: ServiceSettings) -> None:
    """Mint a token for all sites, unless the present one is valid for all of them."""
    storage = S3ObjectStorage(services, services.content_bucket)
    sites = _sites(services)
    token = folder.token()
    record = find_token(storage, token) if token else None
    if record is None or record.is_expired(datetime.now(UTC)) or not all(record.covers(site) for site in sites):
        now = datetime.now(UTC)
        token = mint(storage, name="embedded", scopes=list(Scope), sites=sites, now=now, by="the embedded stack")
        folder.keep_token(token)


def _sites(services: ServiceSettings) -> list[str]:
    return sorted(tomllib.loads(path.read_text("utf-8"))["id"] for path in services.sites_folder.glob("*.toml"))


if __name__ == "__main__":
    main()
