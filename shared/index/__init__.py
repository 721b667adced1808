"""The index of live articles: their cards, the pages that show them, and two versions of each page.

The index lies in Redis and can be rebuilt from the content bucket. Listings are rendered only while it is complete.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from shared.model.card import Card
from shared.model.live_record import LiveRecord
from shared.site.listings import Listing
from shared.site.sites import Site


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The inputs of a listing at one instant; `order` is that instant (Redis's clock, microseconds).

    `days`: the days that the listing names, newest first, each with its number of parts. `parts`: the number of parts
    of the listing's own day. `revisions`: the revision of each card's article. `is_killed`: the listing is empty, and
    a killed article named it.
    """

    cards: tuple[Card, ...]
    wanted_version: int
    order: int
    days: Mapping[str, int] = field(default_factory=dict)
    parts: int = 1
    pins: tuple[Card, ...] = ()
    revisions: dict[str, str] = field(default_factory=dict)
    is_killed: bool = False


@dataclass(frozen=True, slots=True)
class RelatedArticles:
    """The related articles of an article's page, and the data that decides when the page is stale.

    `shows`: the digest of each card as it was read. `wanted_version`: 0 if the page is not stale. `missing`: the
    listings that the page links to and that were never published.
    """

    cards: tuple[Card, ...] = ()
    shows: dict[str, str] = field(default_factory=dict)
    wanted_version: int = 0
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Restore:
    """The progress of a restore of the index: it holds the articles up to `cursor`.

    At its end the index holds all articles that were journalled before `minute`. `since`: only articles that were
    journalled after this minute are missing; None: all are missing.
    """

    token: str
    minute: datetime
    since: datetime | None = None
    cursor: str = ""
    done: int = 0


class Index(Protocol):
    """Cards by membership, and two versions of each page. A page is stale if it wants a higher version than it shows.

    A page is named by its listing's name, or `article.` and the article's id.
    """

    def upsert(
        self,
        site: Site,
        card: Card,
        revision: str,
        *,
        text: str = "",
        shows: Mapping[str, str] | None = None,
        former_memberships: Iterable[str] = (),
    ) -> tuple[str, ...]:
        """Store an article's card, atomically; return the pages that become stale.

        Nothing changes if the index knows a newer revision, or if the article was removed at this revision.

        `text`: a digest of the page, for listings that show the text. `shows`: the digests of the cards that the
        article's page shows. If they differ from the last choice, an older page was put after a newer one: the page
        is stale. `former_memberships`: the memberships of all released revisions. Their listings stay public, even if
        empty.
        """
        ...

    def remove(
        self,
        site: Site,
        article: str,
        revision: str,
        *,
        former_memberships: Iterable[str] = (),
        is_killed: bool = False,
    ) -> tuple[str, ...]:
        """Remove an article and store its revision; return the pages that become stale.

        `is_killed`: the pages of its topics and authors answer 410 while no other article names them.
        """
        ...

    def load(self, site: Site, records: Iterable[LiveRecord], *, is_restored: bool = True) -> tuple[str, ...]:
        """Upsert or remove the articles of many records, by the rules of `upsert` and `remove`.

        With `is_restored`, the cards that each page shows are read from the records too. A page that shows an outdated
        card becomes stale. So does a page that was rendered while the index was incomplete.
        """
        ...

    def choose_related(self, site: Site, card: Card) -> RelatedArticles:
        """Choose an article's related articles, and record that its page shows their cards, atomically."""
        ...

    def choose_related_for_all(self, site: Site, cards: Sequence[Card]) -> list[RelatedArticles]:
        """Choose the related articles of many articles: each atomically, all in one exchange with Redis."""
        ...

    def mark_stale(self, site: Site, listing: str) -> None:
        """Raise a page's wanted version to Redis's clock in microseconds, and at least by one."""
        ...

    def mark_stale_at(self, site: Site, listing: str, at: datetime) -> None:
        """Schedule a listing to become stale at a time; of several times the earliest counts."""
        ...

    def mark_due_stale(self, site: Site, now: datetime) -> tuple[str, ...]:
        """Mark the listings whose scheduled time has come as stale; return them."""
        ...

    def read(self, site: Site, listing: Listing, *, pins: Sequence[str] = ()) -> Snapshot:
        """Return the inputs of a listing, atomically, and lease the listing.

        The pinned articles are recorded as shown by the listing: it becomes stale when one of them changes.
        """
        ...

    def set_published(self, site: Site, page: str, version: int, *, sha256: str = "") -> bool:
        """Record a page's published version, which never decreases.

        Return whether a later version with other bytes was already published: a slow publisher may have put an older
        page over it. A version that this index never gave (Redis was emptied) makes a listing stale. `sha256`: the
        digest of a listing's page, after its purge.
        """
        ...

    def find_published_sha256(self, site: Site, listing: str) -> str | None:
        """Return the SHA-256 of the listing's page that was last purged at the edge; None if unknown."""
        ...

    def stale_listings(self, site: Site, *, limit: int | None = None) -> list[str]:
        """Return the stale listings, the longest stale first, at most `limit`."""
        ...

    def stale_articles(self, site: Site, *, limit: int | None = None) -> list[str]:
        """Return the stale article pages, the longest stale first, at most `limit`."""
        ...

    def stale_versions(self, site: Site, pages: Iterable[str] | None = None) -> dict[str, int]:
        """Return the wanted versions of the stale pages among these, or among all."""
        ...

    def published_versions(self, site: Site, pages: Iterable[str] | None = None) -> dict[str, int]:
        """Return the published versions of these listings, or of all; without those that were never published."""
        ...

    def acquire_leases(
        self, site: Site, pages: Sequence[str], *, is_news: bool = False, is_urgent: bool = False
    ) -> list[str]:
        """Lease the pages that have no lease, and return them: the caller may queue them.

        A lease lasts while a message for the page is in the pipeline. `set_published` shortens it to the refresh
        interval of the page, so that a slow publisher gets no second message. `is_news`: an article's page needs no
        free lease, because a message in the pipeline may hold an older rendering. `is_urgent`: nor does a listing.
        """
        ...

    def release_lease(self, site: Site, page: str) -> None:
        """End the lease of a page whose message led to no PUT."""
        ...

    def articles(self, site: Site, *, section: str | None = None, since: datetime | None = None) -> list[str]:
        """Return the live articles, the oldest first; only of a section, or only those published since a time."""
        ...

    def revisions(self, site: Site, articles: list[str]) -> dict[str, str]:
        """Return the last indexed revision (of a text or a removal) of each of these articles that the index knows."""
        ...

    def complete_until(self, site: Site) -> datetime | None:
        """Return the journal minute up to which the index in this Redis process is complete, or None."""
        ...

    def begin_restore(self, site: Site, now: datetime) -> Restore | None:
        """Return the running restore of this Redis process, or a new one; None while another scheduler runs it."""
        ...

    def advance_restore(self, site: Site, restore: Restore) -> bool:
        """Store the progress of a restore; return False if it is no longer the current one (Redis was emptied)."""
        ...

    def find_restore(self, site: Site) -> Restore | None:
        """Return the running restore, or the last one, for reports."""
        ...

    def clear(self, site: Site) -> None:
        """Empty the index; the scheduler restores it from the content bucket."""
        ...

    def mark_complete(self, site: Site, minute: datetime, restore: str | None = None) -> bool:
        """Mark the index as complete up to a journal minute, for this Redis process; return whether it was marked.

        Nothing is marked if Redis was emptied or restarted since the restore with the token `restore` began. Without
        a token an existing mark is only moved.
        """
        ...
