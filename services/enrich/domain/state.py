"""What the enrichers hand on to each other: one revision on its way to being ready for a page."""

from __future__ import annotations

from dataclasses import dataclass

from shared.model.article import ArticleFacts, Direction, SafeHtml, SubHead

_NOTHING = SafeHtml("")


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrichmentState:
    """A revision's facts and markup, and what the enrichers have said of them so far."""

    article: str
    revision: str
    facts: ArticleFacts
    source: str  # the body as it came; never shown
    body: SafeHtml = _NOTHING
    text: str = ""
    description: str = ""
    direction: Direction = Direction.LTR
    word_count: int = 0
    reading_minutes: int = 1
    outline: tuple[SubHead, ...] = ()
    warnings: tuple[str, ...] = ()
