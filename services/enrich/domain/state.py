"""The state that each enricher receives and returns: one revision during enrichment."""

from __future__ import annotations

from dataclasses import dataclass

from shared.model.article import ArticleFacts, Direction, SafeHtml, SubHead

_EMPTY_BODY = SafeHtml("")


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrichmentState:
    """A revision's facts and markup, and the findings of the enrichers so far."""

    article: str
    revision: str
    facts: ArticleFacts
    source: str  # the sender's body; never shown
    body: SafeHtml = _EMPTY_BODY
    text: str = ""
    description: str = ""
    direction: Direction = Direction.LTR
    word_count: int = 0
    reading_minutes: int = 1
    outline: tuple[SubHead, ...] = ()
    warnings: tuple[str, ...] = ()
