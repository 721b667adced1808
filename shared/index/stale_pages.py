"""Pages that are behind: which may be said, what is said of one, and which of them readers miss first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from shared.index import Index
from shared.messaging.messages import ArticleRevision, ArticlesEnriched, Envelope, ListingsStale
from shared.runtime.quarantine import Quarantine
from shared.site.listings import find_article, find_listing
from shared.site.sites import Site


class StalePage(NamedTuple):
    """The number that a page has to reach; of an article's page the revision that the index knows."""

    version: int
    revision: str = ""


def find_emittable(
    site: Site, pages: Iterable[str], index: Index, quarantine: Quarantine, *, is_urgent: bool = False
) -> dict[str, StalePage]:
    """Return those of the pages that are behind and may be said, in their order.

    None that lies among the dead letters as it is now, its listing or its article's revision: whoever says it again
    would kill a worker over it again. None of an article that the index does not know: its first page is on
    its way. `is_urgent`: an article's page all the same, once, for it shows what was killed.
    """
    versions = index.stale_versions(site, pages)
    articles = {page: article for page in versions if (article := find_article(page))}
    revisions = index.revisions(site, list(articles.values()))
    subjects: dict[str, str | int] = {page_subject(page): version for page, version in versions.items()}
    parked = quarantine.find_quarantined(site.id, subjects if is_urgent else subjects | revisions)
    return {
        page: StalePage(version, revisions.get(articles.get(page, ""), ""))
        for page, version in versions.items()
        if not {page_subject(page), articles.get(page)} & parked and articles.get(page, "") in {"", *revisions}
    }


def listings_stale(envelope: Envelope, site: Site, pages: Mapping[str, StalePage]) -> ListingsStale:
    """Return the message that has listings rendered again."""
    versions = {name: behind.version for name, behind in pages.items()}
    return ListingsStale(**envelope, site=site.id, listings=versions)


def articles_stale(envelope: Envelope, site: Site, pages: Mapping[str, StalePage]) -> ArticlesEnriched:
    """Return the message that has articles' own pages rendered again: a card that they show has changed."""
    found = ((find_article(page) or "", behind.revision) for page, behind in pages.items())
    articles = tuple(ArticleRevision(article=article, revision=revision) for article, revision in found)
    return ArticlesEnriched(**envelope, site=site.id, articles=articles)


def page_subject(page: str) -> str:
    """Return what a page is called among the marks."""
    return f"listing:{page}"


def fronts_of(site: Site, pages: Iterable[str]) -> list[str]:
    """Return those of the pages where readers look for the news of the minute."""
    return [page for page in pages if (listing := find_listing(site, page)) and listing.is_front]
