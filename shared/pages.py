"""Pages that are behind: what is said of one, and which of them readers miss first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from shared.listings import find_article, find_listing
from shared.messages import ArticleAccepted, Envelope, ListingStale
from shared.sites import Site


def page_stale(
    envelope: Envelope, site: Site, page: str, changed: int, revisions: Mapping[str, str]
) -> ListingStale | ArticleAccepted:
    """Return the message that leads to a page's renewal: a listing's, or an article's whose page shows others' cards.

    `revisions` holds, for articles, the revision that the index knows.
    """
    article = find_article(page)
    if article is None:
        return ListingStale(**envelope, site=site.id, listing=page, changed=changed)
    return ArticleAccepted(**envelope, site=site.id, article=article, revision=revisions.get(article, ""))


def page_subject(page: str) -> str:
    """Return what a page is called among the marks."""
    return f"listing:{page}"


def fronts_of(site: Site, pages: Iterable[str]) -> list[str]:
    """Return those of the pages where readers look for the news of the minute."""
    return [page for page in pages if (listing := find_listing(site, page)) and listing.is_front]
