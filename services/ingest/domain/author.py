"""The author of a submission: the token and the request that it came with, for the audit log."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Author:
    """A token's name, and the id of the request as in the endpoint's logs."""

    token: str = ""
    request: str | None = None


author: ContextVar[Author] = ContextVar("author", default=Author())  # noqa: B039 -- it is frozen
"""The author of the request that is being handled; the threads of a request inherit it. The worker has none."""
