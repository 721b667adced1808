"""How asking the endpoint can fail."""

from __future__ import annotations

from shared.errors import PermanentError, RetryableError


class EndpointRefusedError(PermanentError):
    """The endpoint said no; the text is its problem document in words."""


class EndpointUnavailableError(RetryableError):
    """The endpoint does not answer, or cannot take articles now."""
