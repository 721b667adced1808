"""The ports of ingest: readers of formats, and the cleaning of pictures."""

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

    `canonical_site`: the first site of the request, if this is a further one.
    """

    site: Site
    feed: Feed
    received_at: datetime
    canonical_site: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionMetadata(ReadingContext):
    """The context, and the declared media type, the sender's right to remove articles, and the lane."""

    content_type: str | None
    may_take_down: bool
    lane: Lane = Lane.LIVE


@dataclass(frozen=True, slots=True)
class Reading:
    """An article, and the reader's report on the document."""

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
        """Return the name and version of the format, for reports."""
        ...

    @property
    def media_types(self) -> tuple[str, ...]:
        """Return the media types of this format alone, in lower case."""
        ...

    def recognises(self, document: Document) -> bool:
        """Return whether the document has this format, by its bytes alone; a faulty document counts too."""
        ...

    def read(self, document: Document, context: ReadingContext) -> Reading:
        """Return the article.

        Raises:
            RefusedError: the document is no valid article; the faults have pointers and reasons.
        """
        ...


class ReadArticle(Protocol):
    """Reads any supported format."""

    def __call__(self, raw: bytes, content_type: str | None, context: ReadingContext) -> Reading:
        """Return the article.

        Raises:
            RefusedError: unknown format, or no valid article.
        """
        ...


class CleanPicture(Protocol):
    """Makes the public form of a picture."""

    def __call__(self, data: bytes) -> PublicPicture:
        """Return the picture upright, of one frame, with its colour profile and rights and no other metadata.

        Raises:
            RefusedError: unsupported or broken picture, or over a limit.
        """
        ...
