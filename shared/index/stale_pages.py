"""Stale pages: the selection of those that may be emitted, and their messages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from shared.index import Index
from shared.messaging.messages import ArticleRevision, ArticlesEnriched, Envelope, ListingsStale
from shared.runtime.quarantine import Quarantine
from shared.site.listings import find_article, find_listing
from shared.site.sites import Site


class StalePage(NamedTuple):
    """The wanted version of a page; for an article's page also the revision that the index knows."""

    version: int
    revision: str = ""


def find_emittable(
    site: Site, pages: Iterable[str], index: Index, quarantine: Quarantine, *, is_urgent: bool = False
) -> dict[str, StalePage]:
    """Return the stale pages that may be emitted, in the order of `pages`.

    A page in quarantine is left out (its listing, or its article's revision): its message would fail again. So is the
    page of an article that the index does not know: its first page is in the pipeline. `is_urgent`: an article's page
    is emitted despite its article's quarantine, because it shows a killed article.
    """
    versions = index.stale_versions(site, pages)
    articles = {page: article for page in versions if (article := find_article(page))}
    revisions = index.revisions(site, list(articles.values()))
    subjects: dict[str, str | int] = {page_subject(page): version for page, version in versions.items()}
    quarantined = quarantine.find_quarantined(site.id, subjects if is_urgent else subjects | revisions)
    return {
        page: StalePage(version, revisions.get(articles.get(page, ""), ""))
        for page, version in versions.items()
        if not {page_subject(page), articles.get(page)} & quarantined and articles.get(page, "") in {"", *revisions}
    }


def listings_stale(envelope: Envelope, site: Site, pages: Mapping[str, StalePage]) -> ListingsStale:
    """Return the message that makes render workers render these listings."""
    versions = {name: stale.version for name, stale in pages.items()}
    return ListingsStale(**envelope, site=site.id, listings=versions)


def articles_stale(envelope: Envelope, site: Site, pages: Mapping[str, StalePage]) -> ArticlesEnriched:
    """Return the message that makes render workers render these article pages: a card that they show has changed."""
    found = ((find_article(page) or "", stale.revision) for page, stale in pages.items())
    articles = tuple(ArticleRevision(article=article, revision=revision) for article, revision in found)
    return ArticlesEnriched(**envelope, site=site.id, articles=articles)


def page_subject(page: str) -> str:
    """Return the subject of a page in quarantine."""
    return f"listing:{page}"


def fronts_of(site: Site, pages: Iterable[str]) -> list[str]:
    """Return the pages that are fronts."""
    return [page for page in pages if (listing := find_listing(site, page)) and listing.is_front]
