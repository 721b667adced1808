"""Where an article's page lives: a function of the article's released revisions and the site, nothing else."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from shared.article import EnrichedArticle
from shared.keys import INDEX_DOCUMENT
from shared.revision import stamp_of
from shared.sites import Site

_ARTICLE_CHARACTERS = 6


def created_at(earliest: EnrichedArticle) -> datetime:
    """Return when the article was first made, by its sender's stamp."""
    return earliest.facts.first_created or stamp_of(earliest.revision)


def updated_at(latest: EnrichedArticle, earliest: EnrichedArticle) -> datetime | None:
    """Return when the text was last changed, or None while readers see what was first published."""
    if _words(latest) == _words(earliest):
        return None
    return stamp_of(latest.revision)


def article_path(latest: EnrichedArticle, earliest: EnrichedArticle, site: Site) -> str:
    """Return the key of the article's page in the public bucket.

    Day and slug are those of the first revision, so that a mended headline does not move the page; the section is the
    latest one's. Six characters of the article's id are always in it, so that two articles never share a path.
    """
    day = created_at(earliest).astimezone(ZoneInfo(site.zone))
    name = f"{latest.facts.slug or earliest.slug}-{latest.article[:_ARTICLE_CHARACTERS]}"
    return f"{latest.facts.section}/{day:%Y/%m/%d}/{name}/{INDEX_DOCUMENT}"


def _words(article: EnrichedArticle) -> tuple[str | None, ...]:
    return (article.facts.headline, article.facts.standfirst, article.body, article.facts.correction_note)
