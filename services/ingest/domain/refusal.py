"""Refusals, with texts that tell the sender how to correct the submission."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from shared.runtime.errors import PermanentError, RetryableError

RefusalCode = Literal[400, 403, 409, 413, 415, 422]
"""HTTP statuses: unreadable, not allowed, conflict, too large, unknown format, invalid content."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault; `pointer` is a JSON pointer (RFC 6901), empty for the whole document."""

    pointer: str
    detail: str


_TITLES: dict[RefusalCode, str] = {
    400: "Unreadable content",
    403: "Not allowed",
    409: "Conflict",
    413: "Too large",
    415: "Unknown format",
    422: "Invalid content",
}


class RefusedError(PermanentError):
    """A submission is refused. The text names fields and limits, and quotes no text of the article."""

    def __init__(self, code: RefusalCode, detail: str, faults: Iterable[Fault] = (), *, title: str = "") -> None:
        super().__init__(detail)
        self.code: RefusalCode = code
        self.title = title or _TITLES[code]
        self.detail = detail
        self.faults = tuple(faults)


def unacceptable(faults: Sequence[Fault], detail: str = "") -> RefusedError:
    """Return the refusal (422) of readable content that breaks rules; an empty `detail` is made from the faults."""
    if not detail:
        first, others = faults[0], len(faults) - 1
        detail = f"{first.pointer or 'the document'}: {first.detail}" + (f" (and {others} more)" if others else "")
    return RefusedError(422, detail, faults)


class ArticleUnknownError(PermanentError):
    """The site has no such article."""


class BacklogFullError(RetryableError):
    """Too many messages wait, so the lane accepts no articles for now; the text tells the sender how to continue."""


class StreamsFullError(RetryableError):
    """The endpoint has as many event streams as its settings allow."""


class DryRunUnavailableError(RetryableError):
    """A dry run cannot render pages now: others run, or it took too long. The text tells the sender the reason."""


class FrontUnknownError(PermanentError):
    """The site has no such front."""
