"""When readers are told that an article was updated."""

from __future__ import annotations

from datetime import datetime

from shared.article import EnrichedArticle
from shared.revision import stamp_of


def updated_at(latest: EnrichedArticle, earliest: EnrichedArticle) -> datetime | None:
    """Return when the text was last changed, or None while readers see what was first published."""
    if _words(latest) == _words(earliest):
        return None
    return stamp_of(latest.revision)


def _words(article: EnrichedArticle) -> tuple[str | None, ...]:
    return (article.facts.headline, article.facts.standfirst, article.body, article.facts.correction_note)
