"""How asking the endpoint, or for the second bucket, can fail."""

from __future__ import annotations

from shared.errors import PermanentError, RetryableError


class EndpointRefusedError(PermanentError):
    """The endpoint said no; the text is its problem document in words."""


class EndpointUnavailableError(RetryableError):
    """The endpoint does not answer, or cannot take articles now."""


class BackupNotSetError(PermanentError):
    """No second bucket is set, or not one that can be one."""
