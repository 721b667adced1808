"""The only place of the desk that builds clients. Each command builds what it needs, and no more."""

from __future__ import annotations

from functools import cache

from services.desk.adapters.endpoint import Endpoint
from services.desk.settings import DeskSettings, load_settings
from shared.storage.s3 import S3ObjectStorage, s3_client


@cache
def settings() -> DeskSettings:
    """Return the settings, read once."""
    return load_settings()


def endpoint() -> Endpoint:
    """Return the endpoint."""
    token = settings().token
    return Endpoint(
        settings().api_url,
        token.get_secret_value() if token else None,
        timeout_seconds=settings().api_timeout_seconds,
    )


def content() -> S3ObjectStorage:
    """Return the content bucket."""
    return S3ObjectStorage(s3_client(settings()), settings().content_bucket)


def public() -> S3ObjectStorage:
    """Return the public bucket."""
    return S3ObjectStorage(s3_client(settings()), settings().public_bucket)
