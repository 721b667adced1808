"""How asking the endpoint, or for the second bucket, can fail."""

from __future__ import annotations

from shared.runtime.errors import PermanentError, RetryableError


class EndpointRefusedError(PermanentError):
    """The endpoint said no; the text is its problem document in words."""


class EndpointUnavailableError(RetryableError):
    """The endpoint does not answer, or cannot take articles now; it may have said when it can."""

    def __init__(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class ImportFileError(PermanentError):
    """The file to be imported, or what is kept beside it, is not as it has to be; the text says what to do."""


class BackupNotSetError(PermanentError):
    """No second bucket is set, or not one that can be one."""
