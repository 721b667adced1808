"""Errors of the endpoint, of an import's files and of the backup bucket."""

from __future__ import annotations

from shared.runtime.errors import PermanentError, RetryableError


class EndpointRefusedError(PermanentError):
    """The endpoint refused the request; the text comes from its problem document."""


class EndpointUnavailableError(RetryableError):
    """The endpoint does not answer or accepts no articles now; `retry_after_seconds` is its Retry-After, if any."""

    def __init__(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class ImportFileError(PermanentError):
    """The imported file or a file beside it is not usable; the text says how to continue."""


class BackupNotSetError(PermanentError):
    """No backup bucket is set, or the set one is in use."""
