"""Why something that was sent is not taken, in words that its sender can act on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from shared.runtime.errors import PermanentError, RetryableError

RefusalCode = Literal[400, 403, 409, 413, 415, 422]
"""HTTP's words for it: not readable, not yours to do, in conflict, too large, unknown format, not acceptable."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong, and where: `pointer` is a JSON pointer (RFC 6901), empty for the whole."""

    pointer: str
    detail: str


_TITLES: dict[RefusalCode, str] = {
    400: "Not readable",
    403: "Not allowed",
    409: "In conflict",
    413: "Too large",
    415: "Unknown format",
    422: "Not acceptable",
}


class RefusedError(PermanentError):
    """What was sent cannot be taken as it is. Its words name fields and limits, and quote no text of the article."""

    def __init__(self, code: RefusalCode, detail: str, faults: Iterable[Fault] = (), *, title: str = "") -> None:
        super().__init__(detail)
        self.code: RefusalCode = code
        self.title = title or _TITLES[code]
        self.detail = detail
        self.faults = tuple(faults)


def unacceptable(faults: Sequence[Fault], detail: str = "") -> RefusedError:
    """Return the refusal of something that was read and breaks rules; `detail` is made from the faults if empty."""
    if not detail:
        first, others = faults[0], len(faults) - 1
        detail = f"{first.pointer or 'the document'}: {first.detail}" + (f" (and {others} more)" if others else "")
    return RefusedError(422, detail, faults)


class ArticleUnknownError(PermanentError):
    """There is no such article on the site."""


class BacklogFullError(RetryableError):
    """So much waits to be published that this lane takes no more for now; the text says what a sender can do."""


class FrontUnknownError(PermanentError):
    """The site has no such front."""
