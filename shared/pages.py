"""Pages that are behind: which may be said, what is said of one, and which of them readers miss first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from shared.index import Index
from shared.listings import find_article, find_listing
from shared.marks import Marks
from shared.messages import ArticleAccepted, Envelope, ListingStale
from shared.sites import Site


class Behind(NamedTuple):
    """The number that a page has to reach; of an article's page the revision that the index knows."""

    number: int
    revision: str = ""


def find_free(
    site: Site, pages: Iterable[str], index: Index, marks: Marks, *, is_urgent: bool = False
) -> dict[str, Behind]:
    """Return those of the pages that are behind and may be said, in their order.

    None that lies among the dead letters as it is now, its listing or its article's revision: whoever says it again
    would kill a worker over it again. `is_urgent`: an article's page all the same, once, for it shows what was killed.
    """
    numbers = index.behind(site, pages)
    articles = {page: article for page in numbers if (article := find_article(page))}
    revisions = index.revisions(site, list(articles.values()))
    subjects: dict[str, str | int] = {page_subject(page): number for page, number in numbers.items()}
    parked = marks.parked(site.id, subjects if is_urgent else subjects | revisions)
    return {
        page: Behind(number, revisions.get(articles.get(page, ""), ""))
        for page, number in numbers.items()
        if not {page_subject(page), articles.get(page)} & parked
    }


def page_stale(envelope: Envelope, site: Site, page: str, behind: Behind) -> ListingStale | ArticleAccepted:
    """Return the message that renews a page: a listing's, or an article's whose page shows others' cards."""
    article = find_article(page)
    if article is None:
        return ListingStale(**envelope, site=site.id, listing=page, changed=behind.number)
    return ArticleAccepted(**envelope, site=site.id, article=article, revision=behind.revision)


def page_subject(page: str) -> str:
    """Return what a page is called among the marks."""
    return f"listing:{page}"


def fronts_of(site: Site, pages: Iterable[str]) -> list[str]:
    """Return those of the pages where readers look for the news of the minute."""
    return [page for page in pages if (listing := find_listing(site, page)) and listing.is_front]
