"""What ingest needs from outside: readers of formats, and what makes a picture fit for the public."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.ingest.domain.document import Document
from services.ingest.domain.pictures import PublicPicture
from services.ingest.domain.refusal import Fault, RefusedError
from services.ingest.domain.report import Dropped, Report
from shared.model.article import Article
from shared.model.lane import Lane
from shared.site.sites import Feed, Site

__all__ = [
    "CleanPicture",
    "Document",
    "Dropped",
    "Fault",
    "PublicPicture",
    "ReadArticle",
    "Reader",
    "Reading",
    "ReadingContext",
    "RefusedError",
    "Report",
    "SubmissionMetadata",
]


@dataclass(frozen=True, slots=True)
class ReadingContext:
    """The facts beside the bytes: the site, the sender's feed there, the time of receipt (UTC).

    `canonical_site`: the first of the sites that they were posted to, where this is another of them.
    """

    site: Site
    feed: Feed
    received_at: datetime
    canonical_site: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionMetadata(ReadingContext):
    """The same and the facts that accepting needs: the declared media type, the sender's rights, the lane."""

    content_type: str | None
    may_take_down: bool
    lane: Lane = Lane.LIVE


@dataclass(frozen=True, slots=True)
class Reading:
    """An article that was read, and what became of each part of the document."""

    article: Article
    report: Report


class Reader(Protocol):
    """Reads one format."""

    @property
    def name(self) -> str:
        """Return the format's name without a version, as a feed's settings list it: `ninjs`."""
        ...

    @property
    def format(self) -> str:
        """Return the name and version of the format, as reports say it."""
        ...

    @property
    def media_types(self) -> tuple[str, ...]:
        """Return the media types that mean this format and no other, in lower case."""
        ...

    def recognises(self, document: Document) -> bool:
        """Tell from the bytes alone whether the document is of this format, or so nearly that its faults are."""
        ...

    def read(self, document: Document, context: ReadingContext) -> Reading:
        """Return the article.

        Raises:
            RefusedError: it cannot become one; the faults say where and why.
        """
        ...


class ReadArticle(Protocol):
    """Reads whatever format the bytes are in."""

    def __call__(self, raw: bytes, content_type: str | None, context: ReadingContext) -> Reading:
        """Return the article.

        Raises:
            RefusedError: no reader knows the format, or it cannot become an article.
        """
        ...


class CleanPicture(Protocol):
    """Makes the public form of a picture."""

    def __call__(self, data: bytes) -> PublicPicture:
        """Return the picture upright, of one frame, with its colour profile and rights and no other metadata.

        Raises:
            RefusedError: not a picture that can be shown, or over a limit.
        """
        ...
